# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The command ``mmwsmots``: its subcommands are the scripts in tools/.

Beside the package and not in it, as importing that takes longer than help should.
"""

import runpy
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

# Script and line of help of each subcommand.
COMMANDS = dict(
    label=('tools/label_masks.py', 'write the masks of the boxes of a video'),
    track=('demo/mots_demo.py', 'segment and track the objects of a video'),
    convert=(
        'tools/dataset_converters/convert_masks.py',
        'convert masks and tracks between file formats',
    ),
    train=('tools/train.py', 'train the model of a config'),
    test=('tools/test.py', 'test a model on the data set of its config'),
    eval=('tools/analysis_tools/eval_mots.py', 'compare results with ground truth'),
    report=('tools/analysis_tools/report.py', 'write a test run as one HTML page'),
)


def find_script(name: str) -> Path:
    """The script of a subcommand, in the installed package or the checkout."""
    package = Path(find_spec('mmwsmots').origin).resolve().parent
    installed = package / '.mim' / COMMANDS[name][0]
    return installed if installed.is_file() else package.parent / COMMANDS[name][0]


def main(argv: Sequence[str] | None = None) -> None:
    """Run a subcommand, of the process's arguments by default."""
    argv = sys.argv[1:] if argv is None else list(argv)
    lines = [f'  {name:8}{words}' for name, (_, words) in COMMANDS.items()]
    usage = '\n'.join(
        ['usage: mmwsmots COMMAND ...', '', *lines, '', 'mmwsmots COMMAND --help']
    )
    if not argv or argv[0] in ('-h', '--help'):
        print(usage)
        raise SystemExit(0 if argv else 2)
    if argv[0] not in COMMANDS:
        raise SystemExit(f'{usage}\n\nerror: no command "{argv[0]}"')
    script = find_script(argv[0])
    sys.argv = [str(script), *argv[1:]]
    sys.path.insert(0, str(script.parent))  # where a script finds its neighbours
    runpy.run_path(str(script), run_name='__main__')


if __name__ == '__main__':
    main()

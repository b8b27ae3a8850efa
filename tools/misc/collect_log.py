# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Put what made a model of the zoo, its figures and its losses into one file.

    python tools/misc/collect_log.py WORK_DIR PUBLISHED --command COMMAND
        --commit COMMIT --out configs/wsmots/logs/NAME.jsonl

WORK_DIR is that of the training and of the test after it; PUBLISHED is the file that
publish_model.py made of its checkpoint; COMMAND made both from nothing at COMMIT.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dir', type=Path, help='of the training and its test')
    parser.add_argument('published', type=Path, help='file of publish_model.py')
    parser.add_argument('--command', required=True, help='what made it from nothing')
    parser.add_argument('--commit', required=True, help='commit that was checked out')
    parser.add_argument('--out', type=Path, required=True, help='file to write')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT if it is there'
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

from mmwsmots.fileio import atomic_write, check_existing

# Of the machine, not of the model.
TIMES = ('time', 'data_time', 'memory')


def read_training(work_dir: Path) -> list[dict[str, float]]:
    """Read the logged steps of a training, also of one that was resumed.

    Args:
        work_dir (Path): Folder with a folder for each run.

    Returns:
        list[dict[str, float]]: Losses and the like in order of ``step``; where runs
        overlap, as the later one logged them.

    Raises:
        ValueError: If there are none, or a file is broken.
    """
    steps = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            try:
                values = json.loads(line)
            except ValueError as error:
                raise ValueError(f'{path}:{number}: {error}') from None
            if 'loss' in values:
                steps[values['step']] = _shorten(values)
    if not steps:
        raise ValueError(f'{work_dir}: no */vis_data/scalars.json with losses')
    return [steps[step] for step in sorted(steps)]


def read_test(work_dir: Path) -> dict[str, float]:
    """Read the metrics of the last test.

    Args:
        work_dir (Path): As above.

    Returns:
        dict[str, float]: Metrics by name.

    Raises:
        ValueError: If there are none, or the file is broken.
    """
    paths = sorted(path for path in work_dir.glob('*/*.json') if path.is_file())
    if not paths:
        raise ValueError(f'{work_dir}: no metrics of a test (*/*.json)')
    try:
        return _shorten(json.loads(paths[-1].read_text()))
    except ValueError as error:
        raise ValueError(f'{paths[-1]}: {error}') from None


def _shorten(values: dict[str, float | None]) -> dict[str, float]:
    """Five digits of what was measured."""
    return {
        key: float(f'{value:.5g}') if isinstance(value, float) else value
        for key, value in values.items()
        if key not in TIMES and value is not None
    }


def collect(work_dir: Path, published: Path, command: str, commit: str) -> dict:
    """Gather the entry.

    Args:
        work_dir (Path): Folder of the training and its test.
        published (Path): The model's file.
        command (str): What made it.
        commit (str): Of the repository, when it did.

    Returns:
        dict: ``command``, ``commit``, ``seed``, ``checkpoint`` (name, bytes and
        SHA-256), ``test`` and ``train``.

    Raises:
        ValueError: If the work dir or the file is not what it should be.
    """
    import torch

    data = published.read_bytes()
    try:
        seed = torch.load(published, weights_only=True)['meta']['seed']
    except Exception:
        raise ValueError(f'{published}: not a file of publish_model.py') from None
    return dict(
        command=command,
        commit=commit,
        seed=seed,
        checkpoint=dict(
            name=published.name,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        ),
        test=read_test(work_dir),
        train=read_training(work_dir),
    )


def write_entry(entry: dict, path: Path) -> None:
    """Write the entry as JSON lines: ``train`` one step a line, before it the rest.

    Args:
        entry (dict): Of :func:`collect`.
        path (Path): File to write; replaced.
    """
    head = {key: value for key, value in entry.items() if key != 'train'}
    lines = [json.dumps(values) for values in (head, *entry['train'])]
    with atomic_write(path) as temp:
        temp.write_text('\n'.join(lines) + '\n')


def main(argv: list[str] | None = None) -> None:
    """Parse the command line and write the file."""
    args = parse_args(argv)
    try:
        check_existing([args.out], overwrite=args.overwrite)
        entry = collect(args.work_dir, args.published, args.command, args.commit)
        write_entry(entry, args.out)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Put what made a masker, and the losses of all its stages, into one file.

    python tools/misc/collect_masker_log.py WORK_DIR WEIGHTS --command COMMAND
        --commit COMMIT --out configs/masker/NAME.json

WORK_DIR is that of tools/train_masker.sh, WEIGHTS the file that publish_model.py made
of its last checkpoint; COMMAND made both from nothing at COMMIT.
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
    parser.add_argument('work_dir', type=Path, help='of tools/train_masker.sh')
    parser.add_argument('weights', type=Path, help='file of publish_model.py')
    parser.add_argument('--command', required=True, help='what made it from nothing')
    parser.add_argument('--commit', required=True, help='commit that was checked out')
    parser.add_argument('--out', type=Path, required=True, help='file to write')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT if it is there'
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from collect_log import read_training

from mmwsmots.fileio import atomic_write, check_existing


def collect(work_dir: Path, weights: Path, command: str, commit: str) -> dict:
    """Gather the log.

    Args:
        work_dir (Path): With ``stage_1`` and ``round_N``, N from 1.
        weights (Path): The published file.
        command (str): What made it.
        commit (str): Of the repository, when it did.

    Returns:
        dict: ``command``, ``commit``, ``sha256`` and ``bytes`` of the weights, and
        ``stages``: ``name``, ``iterations`` and ``steps`` of each.

    Raises:
        ValueError: If a stage is missing or has no losses.
    """
    data = weights.read_bytes()
    rounds = sorted(path for path in work_dir.glob('round_*') if path.is_dir())
    if not rounds:
        raise ValueError(f'{work_dir}: no round_N of tools/train_masker.sh')
    stages = []
    for folder in (work_dir / 'stage_1', *rounds):
        steps = read_training(folder)
        stages.append(dict(name=folder.name, iterations=steps[-1]['step'], steps=steps))
    return dict(
        command=command,
        commit=commit,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        stages=stages,
    )


def main(argv: list[str] | None = None) -> None:
    """Parse the command line and write the file."""
    args = parse_args(argv)
    try:
        check_existing([args.out], overwrite=args.overwrite)
        log = collect(args.work_dir, args.weights, args.command, args.commit)
        with atomic_write(args.out) as temp:
            temp.write_text(json.dumps(log, indent=0) + '\n')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Write the masks of the boxes of a data set into its annotation file.

    python tools/label_dataset.py ANNOTATIONS IMAGES OUT

ANNOTATIONS is a COCO or CocoVID file with boxes of any classes, IMAGES the folder that
its file names are relative to. OUT becomes the same file with a mask of each box and
its confidence, to train on: identities and all else stay, masks that were there are
not looked at. --adapt N first trains on these very boxes from the released weights, in
3 N iterations of a first stage and N of the masker. Over several GPUs:

    torchrun --nproc_per_node 8 tools/label_dataset.py ... --launcher pytorch
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from runner_options import positive

from mmengine.config import DictAction


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments; those of the process by default.

    Returns:
        Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('ann_file', type=Path, help='COCO or CocoVID file')
    parser.add_argument('images', type=Path, help='folder of its images')
    parser.add_argument('out', type=Path, help='file to write')
    parser.add_argument(
        '--config',
        help='file, or name, of a BoxMasker; default: the masker that comes with the '
        'project',
    )
    parser.add_argument(
        '--checkpoint',
        type=Path,
        help='its weights; default: the released ones',
    )
    parser.add_argument(
        '--adapt',
        type=positive,
        metavar='N',
        help='first train on these boxes, 3 N iterations of a first stage and N more',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='folder for logs and adapted weights (work_dirs/<name of OUT>)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='overwrite the config'
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes (pytorch: torchrun)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT if it is there'
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

import mmwsmots  # noqa: F401  (registers every component)
from mmwsmots.apis import adapt_box_masker, label_dataset, released_masker
from mmwsmots.fileio import check_existing
from mmwsmots.utils import read_config_file


def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    """Label a data set.

    Args:
        argv (Sequence[str], optional): Arguments; those of the process by default.

    Returns:
        dict[str, float]: Number of masks and their mean confidence.
    """
    args = parse_args(argv)
    released_config, released_checkpoint = released_masker()
    args.config = args.config or released_config
    args.checkpoint = args.checkpoint or released_checkpoint
    work_dir = args.work_dir or Path('work_dirs', args.out.stem)
    try:
        check_existing([args.out], overwrite=args.overwrite)
        if not args.checkpoint.is_file():
            raise FileNotFoundError(f'{args.checkpoint}: no such file')
        config = read_config_file(args.config)
        config.merge_from_dict(args.cfg_options or {})
        checkpoint = args.checkpoint
        if args.adapt:
            checkpoint = adapt_box_masker(
                config,
                checkpoint,
                args.ann_file,
                args.images,
                work_dir / 'adapt',
                args.adapt,
                launcher=args.launcher,
            )
        return label_dataset(
            config,
            checkpoint,
            args.ann_file,
            args.images,
            args.out,
            work_dir,
            args.launcher,
            args.overwrite,
        )
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()

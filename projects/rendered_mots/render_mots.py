# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Render a data set in the layout of KITTI MOTS, without any download.

Writes ``OUT/training/image_02/SSSS/FFFFFF.png`` and ``OUT/instances_txt/SSSS.txt``.
Streets, cars and pedestrians are procedural. With ``--annotations`` the silhouettes,
tracks, occlusions and ignore regions are those of KITTI MOTS text files, and only the
appearance is drawn.
"""

import argparse
import re
from pathlib import Path

from rendered_mots import render_dataset


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of ``1242x375``."""
    match = re.fullmatch(r'(\d+)x(\d+)', text)
    if not match:
        raise argparse.ArgumentTypeError(f'expected WIDTHxHEIGHT, got "{text}"')
    return int(match[1]), int(match[2])


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='root of the data set to write')
    parser.add_argument(
        '--annotations', type=Path, help='folder of KITTI MOTS text files SSSS.txt'
    )
    parser.add_argument(
        '--backgrounds', type=Path, help='folder of real frames used as textures'
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--sequences', nargs='+', help='names, such as 0002 0006')
    which.add_argument(
        '--num-sequences', type=int, help='how many (default: 8, or all annotated ones)'
    )
    parser.add_argument(
        '--frames',
        type=int,
        help='frames of each sequence (default: 40); with annotations at most so many',
    )
    parser.add_argument(
        '--frame-stride', type=int, default=1, help='keep one frame of so many'
    )
    parser.add_argument(
        '--size',
        type=parse_size,
        default=(1242, 375),
        help='native WIDTHxHEIGHT of procedural frames (default: 1242x375)',
    )
    parser.add_argument(
        '--scale', type=float, default=1.0, help='factor from native to written size'
    )
    parser.add_argument(
        '--focal-ratio',
        type=float,
        default=0.58,
        help="focal length of procedural scenes over the frame's width: a larger one "
        'shows objects larger (default: 0.58, as in KITTI)',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--workers', type=int, default=2, help='processes')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace a data set in OUT'
    )
    return parser.parse_args()


def main() -> None:
    """Render and say what was written."""
    args = parse_args()
    options = vars(args)
    out = options.pop('out')
    try:
        names = render_dataset(out, **options)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'{out}: {len(names)} sequence{"s" * (len(names) > 1)}')


if __name__ == '__main__':
    main()

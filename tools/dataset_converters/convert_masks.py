# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Convert files of masks with identities, and make foreign results disjoint.

    python tools/dataset_converters/convert_masks.py IN OUT --to FORMAT

IN is KITTI MOTS or MOTS20 text, JSON of COCO, CocoVID or YouTube-VIS, or a folder of
16-bit instance pictures, KITTI MOTS' or CVAT's. What was assumed or changed is printed.
docs/en/formats.md describes the formats.
"""

import argparse
from pathlib import Path

# What the package reads and writes; to import it takes longer than help should.
FORMATS = ('kitti_mots', 'mots_png', 'cocovid', 'youtube_vis')
WINNERS = ('score', 'order')
TARGETS = ('kitti_mots', 'mots_png', 'cvat_png', 'cocovid', 'coco', 'youtube_vis')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', metavar='IN', type=Path, help='file or folder')
    parser.add_argument(
        'target', metavar='OUT', type=Path, help='file, or folder for pictures'
    )
    parser.add_argument('--to', choices=TARGETS, required=True, help='format of OUT')
    parser.add_argument(
        '--format', choices=FORMATS, help='of IN (default: told from its content)'
    )
    parser.add_argument(
        '--make-disjoint',
        choices=WINNERS,
        help='let a pixel of several masks go to that of the highest score, or to the '
        'first in the file',
    )
    parser.add_argument(
        '--first-frame',
        type=int,
        default=0,
        help='number of the first frame in text and names of pictures of IN: 1 of '
        'MOTS20 (default: 0)',
    )
    parser.add_argument(
        '--write-first-frame', type=int, default=0, help='the same of OUT (default: 0)'
    )
    parser.add_argument('--video-name', help='which video of IN, if it has several')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT if it is there'
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from mmwsmots.fileio import check_existing
from mmwsmots.fileio.mask_files import make_disjoint, read_masks, write_masks


def main(argv: list[str] | None = None) -> None:
    """Convert one video and say what was changed."""
    args = parse_args(argv)
    try:
        check_existing([args.target], overwrite=args.overwrite)
        video = read_masks(args.source, args.format, args.first_frame, args.video_name)
        if args.make_disjoint:
            video = make_disjoint(video, args.make_disjoint)
        notices = write_masks(args.target, video, args.to, args.write_first_frame)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    for notice in (*video.notices, *notices):
        print(f'note: {notice}')
    print(
        f'{len(video.masks)} masks in {len(video.file_names)} frames of '
        f'{video.size[1]} x {video.size[0]} in {args.target}'
    )


if __name__ == '__main__':
    main()

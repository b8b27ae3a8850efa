# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Draw the errors of results over the frames.

    python tools/analysis_tools/error_video.py data/kitti_mots/training/image_02 \
        --gt data/kitti_mots/instances_txt --results work_dirs/run/results \
        --seqmap val.seqmap --out work_dirs/errors

Writes OUT/SSSS.mp4 of each sequence: results green (TP), red (FP) and yellow (TP with
an identity switch), missed truth (FN) blue, results in ignore regions grey. The strip
below the frame has the counts of this frame and of all frames so far; those of the
last frame are what the evaluation counts.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from evaluation_options import (
    add_evaluation_options,
    class_ids,
    evaluation_rules,
    find_lengths,
    parse_evaluation_args,
)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('frames', type=Path, help='folder of the folders of frames')
    add_evaluation_options(parser)
    parser.add_argument('--out', type=Path, required=True, help='folder of the videos')
    parser.add_argument(
        '--scale', type=int, default=1, help='enlarge the frames (default: 1)'
    )
    args = parse_evaluation_args(parser, argv)
    if args.scale < 1:
        parser.error('--scale must be positive')
    return args


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from error_frame import draw_errors
from frame_errors import FrameErrors, find_errors
from sequence_frames import open_frames
from terminaltables import AsciiTable

from mmwsmots.fileio import FrameReader, VideoWriter, check_existing


def draw_video(
    frames: FrameReader,
    errors: list[FrameErrors],
    path: Path,
    scale: int,
    ids: dict[str, int],
) -> Counter:
    """Write the video of a sequence.

    Args:
        frames (:obj:`FrameReader`): Its frames.
        errors (list[:obj:`FrameErrors`]): What is counted in each.
        path (Path): The file, ``*.mp4``.
        scale (int): Enlarges the frames.
        ids (dict[str, int]): Number of each class.

    Returns:
        Counter: TP, FP, FN and IDS of the sequence.
    """
    totals = Counter()
    with VideoWriter(path, frames.fps) as video:
        for frame, frame_errors in zip(frames, errors):
            totals.update(frame_errors.count())
            video.write(draw_errors(frame, frame_errors, totals, scale, ids))
    return totals


def main(argv: Sequence[str] | None = None) -> None:
    """Draw sequence by sequence."""
    args = parse_args(argv)
    table = [['sequence', 'TP', 'FP', 'FN', 'IDS', 'video']]
    try:
        lengths = find_lengths(args)
        paths = {name: args.out / f'{name}.mp4' for name in lengths}
        check_existing([*paths.values()], overwrite=args.overwrite)
        frames = {
            name: open_frames(args.frames, name, k) for name, k in lengths.items()
        }
        for name, length in lengths.items():
            errors = find_errors(
                args.gt, args.results, name, length, **evaluation_rules(args)
            )
            totals = draw_video(
                frames[name], errors, paths[name], args.scale, class_ids(args)
            )
            table.append([name, *(totals[key] for key in table[0][1:5]), paths[name]])
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(AsciiTable(table).table)


if __name__ == '__main__':
    main()

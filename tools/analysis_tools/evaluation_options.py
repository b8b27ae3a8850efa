# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What the command lines that compare results with ground truth share."""

import argparse
from pathlib import Path

from mmwsmots.evaluation.benchmarks import BENCHMARKS
from mmwsmots.evaluation.sequence_pairs import IOU_THRESHOLDS
from mmwsmots.visualization import FrameReader


def add_evaluation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options.

    Args:
        parser (ArgumentParser): Gets ``--gt``, ``--results``, ``--seqmap``,
            ``--protocol`` and ``--benchmark``.
    """
    parser.add_argument(
        '--gt', type=Path, required=True, help='folder of ground truth SSSS.txt'
    )
    parser.add_argument(
        '--results', type=Path, required=True, help='folder of results SSSS.txt'
    )
    parser.add_argument(
        '--seqmap',
        type=Path,
        required=True,
        help='sequences to evaluate: lines "SSSS empty 000000 last_frame"',
    )
    parser.add_argument(
        '--protocol',
        choices=list(IOU_THRESHOLDS),
        default='trackeval',
        help='a match needs IoU >= 0.5 (trackeval) or > 0.5 (mots_tools)',
    )
    parser.add_argument(
        '--benchmark',
        choices=list(BENCHMARKS),
        default='kitti_mots',
        help='its classes and its files',
    )


def open_frames(folder: Path, name: str, length: int) -> FrameReader:
    """Open the frames of a sequence.

    Args:
        folder (Path): With the folders ``SSSS`` or, as in MOTS20, ``SSSS/img1``.
        name (str): The sequence.
        length (int): Its number of frames.

    Returns:
        FrameReader: All of its frames.

    Raises:
        FileNotFoundError: If the folder does not exist or is empty.
        ValueError: If it has another number of frames, or one is unreadable.
    """
    path = folder / name
    frames = FrameReader(path / 'img1' if (path / 'img1').is_dir() else path)
    if len(frames) != length:
        raise ValueError(f'{path}: {len(frames)} frames, the seqmap says {length}')
    return frames

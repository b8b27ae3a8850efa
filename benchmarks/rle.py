# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Time of encoding the masks of a frame as COCO RLE, against pycocotools.

The masks are N C-ordered boolean pictures, as a detector's are; pycocotools wants
them as the last axis of a Fortran-ordered array, and that copy counts.

Example:
    OMP_NUM_THREADS=1 python benchmarks/rle.py ANNOTATIONS.txt
"""

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from common import heading, report
from pycocotools import mask as mask_utils

from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, read_mots_txt
from mmwsmots.fileio.rle import masks_to_runs, runs_to_rles


def encode(masks: np.ndarray) -> list[str]:
    return runs_to_rles(*masks_to_runs(masks))


def encode_pycocotools(masks: np.ndarray) -> list[str]:
    pixels = np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8))
    return [rle['counts'].decode() for rle in mask_utils.encode(pixels)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('annotations', type=Path, help='KITTI MOTS text file')
    parser.add_argument('--objects', type=int, default=20)
    parser.add_argument('--rounds', type=int, default=30)
    parser.add_argument('--out', type=Path, help='write the table here too')
    args = parser.parse_args()
    frames = defaultdict(list)
    for obj in read_mots_txt(args.annotations):
        if obj.class_id != IGNORE_CLASS_ID:
            frames[obj.frame_id].append(obj.mask)
    fullest = max(frames.values(), key=len)
    # Filled up with the same masks mirrored.
    masks = np.stack([*fullest, *(mask[:, ::-1] for mask in fullest)])[: args.objects]
    assert encode(masks) == encode_pycocotools(masks)
    medians = []
    for function in (encode_pycocotools, encode):
        times = []
        for _ in range(args.rounds):
            start = time.process_time()
            function(masks)
            times.append(time.process_time() - start)
        medians.append(1e3 * np.median(times))
    lines = [
        heading(f'{len(masks)} masks of {masks.shape[2]} x {masks.shape[1]}'),
        '',
        '| encoder | ms a frame, median of processor time |',
        '|---|---|',
        f'| pycocotools | {medians[0]:.2f} |',
        f'| `mmwsmots.fileio.rle` | {medians[1]:.2f} |',
        '',
        f'{medians[0] / medians[1]:.1f} times as fast.',
    ]
    report(lines, args.out)


if __name__ == '__main__':
    main()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""COCO's run-length encoding of masks: pycocotools writes it, here it is checked."""

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np
from pycocotools import mask as mask_utils

MAX_REACH = 10  # of a polygon, in sizes of the frame


def masks_to_rles(masks: np.ndarray) -> list[str]:
    """COCO's compressed run-length encoding of masks (N, H, W), bool or 0/1."""
    pixels = np.asfortranarray(np.moveaxis(masks, 0, -1), dtype=np.uint8)
    return [rle['counts'].decode() for rle in mask_utils.encode(pixels)]


def mask_to_rle(mask: np.ndarray) -> str:
    """:func:`masks_to_rles` of one mask (H, W)."""
    return masks_to_rles(np.asarray(mask)[None])[0]


def rles_to_runs(
    rles: Sequence[str], height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Run lengths of compressed RLEs, checked: pycocotools reads past a bad string.

    A string is LEB128-like: 6 bits per character (code - 48), 5 of payload and one that
    says that the number goes on; from the fourth on, differences to the one two before.

    Returns alternating lengths of runs of 0 and of 1, one mask after the other, int64,
    and their number in each mask (N, ). The first of a mask may be 0; they add up to
    ``height * width``. ValueError if a string does not encode such a mask.
    """
    num_codes = np.array([len(rle) for rle in rles], dtype=np.int64)
    if num_codes.size == 0:
        return num_codes, num_codes
    if (num_codes == 0).any():
        raise ValueError('the RLE is empty')
    # Four bytes for any character; those below '0' wrap around.
    codes = np.frombuffer(''.join(rles).encode('utf-32-le'), dtype=np.uint32) - 48
    if (codes > 63).any():
        raise ValueError('the RLE contains a character outside "0".."o"')
    codes = codes.astype(np.int64)
    is_last = codes < 32
    if not is_last[np.cumsum(num_codes) - 1].all():
        raise ValueError('the RLE ends within a number')
    ends = np.flatnonzero(is_last)
    num_chars = np.diff(ends, prepend=-1)
    if num_chars.max() > 7:  # 35 bits: more than pycocotools' 32-bit counts hold
        raise ValueError('the RLE contains a number beyond 32 bits')
    starts = ends - num_chars + 1
    place = np.arange(codes.size) - np.repeat(starts, num_chars)
    runs = np.add.reduceat((codes & 31) << 5 * place, starts)
    runs -= (codes[ends] >> 4 & 1) << 5 * num_chars  # the sign
    num_runs = np.add.reduceat(is_last.astype(int), np.cumsum(num_codes) - num_codes)
    first = np.cumsum(num_runs) - num_runs
    place = np.arange(runs.size) - np.repeat(first, num_runs)
    for own in (place % 2 == 1, (place % 2 == 0) & (place > 0)):
        sums = np.cumsum(np.where(own, runs, 0))
        runs = np.where(own, sums - np.repeat(sums[first], num_runs), runs)
    if (runs < 0).any():
        raise ValueError('the RLE contains a negative run length')
    sums = np.add.reduceat(runs, first)
    wrong = np.flatnonzero(sums != height * width)
    if wrong.size:
        text = f'the run lengths of the RLE add up to {sums[wrong[0]]}'
        raise ValueError(f'{text}, not to {height} x {width} = {height * width} pixels')
    return runs, num_runs


def find_overlap(rles: Sequence[dict], frames: Sequence[int]) -> tuple | None:
    """Indices, ascending, of two masks of one frame that share a pixel, if any do.

    ``rles`` are checked masks of one size as pycocotools takes them.
    """
    members = defaultdict(list)
    for index, frame in enumerate(frames):
        members[frame].append(index)
    for indices in members.values():
        own = [rles[i] for i in indices]
        shared = np.triu(mask_utils.iou(own, own, [0] * len(own)), 1) > 0
        if shared.any():
            return tuple(indices[i] for i in np.argwhere(shared)[0])
    return None


def split_components(rle: str, height: int, width: int) -> list[str]:
    """RLEs of a mask's 8-connected components, by leftmost column, top first."""
    mask = mask_utils.decode(dict(size=[height, width], counts=rle.encode()))
    # Column by column, as the runs go: what is transposed is not copied.
    _, labels = cv2.connectedComponents(mask.T, connectivity=8)
    found, first = np.unique(labels[labels > 0], return_index=True)
    return [mask_to_rle((labels == n).T) for n in found[np.argsort(first)]]


def segmentation_to_rle(segmentation: object, size: tuple[int, int]) -> str:
    """Compressed RLE of polygons or RLE; ValueError if it is none or does not fit."""
    if isinstance(segmentation, list):  # polygons x1, y1, x2, y2, ...
        reach = MAX_REACH * max(size)
        for points in segmentation:
            if not isinstance(points, list) or len(points) < 6 or len(points) % 2:
                text = 'a polygon needs three points or more, x and y of each'
                raise ValueError(text)
            if not all(type(v) in (int, float) and abs(v) <= reach for v in points):
                text = 'a polygon has points far from the frame, or no numbers'
                raise ValueError(text)
        if not segmentation:
            raise ValueError('no polygon')
        parts = mask_utils.frPyObjects(segmentation, *size)
        return mask_utils.merge(parts)['counts'].decode('ascii')
    if not isinstance(segmentation, dict):
        raise ValueError(f'no segmentation: {str(segmentation)[:80]!r}')
    declared, counts = segmentation.get('size'), segmentation.get('counts')
    if not isinstance(declared, list) or declared != list(size):
        text = f'the mask has the size {str(declared)[:80]}, the frame {list(size)}'
        raise ValueError(text)
    if isinstance(counts, str):
        rles_to_runs([counts], *size)
        return counts
    if not isinstance(counts, list) or not counts:
        raise ValueError(f'no run lengths: {str(counts)[:80]!r}')
    limit = size[0] * size[1]
    if not all(type(n) is int and 0 <= n <= limit for n in counts):
        raise ValueError('a run length is no whole number within the frame')
    if sum(counts) != limit:
        raise ValueError(f'the run lengths add up to {sum(counts)}, not to {limit}')
    plain = dict(size=list(size), counts=counts)
    return mask_utils.frPyObjects(plain, *size)['counts'].decode('ascii')

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Arithmetic on run-length encoded masks, without decoding them."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def mask_to_rle(mask: np.ndarray) -> str:
    """Encode a mask as the last field of a KITTI MOTS line.

    Args:
        mask (ndarray): Mask of shape (H, W), bool or 0/1.

    Returns:
        str: COCO's compressed run-length encoding.
    """
    return runs_to_rles(*masks_to_runs(np.asarray(mask, dtype=bool)[None]))[0]


def masks_to_runs(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run lengths of masks, in time of the objects rather than of the frame.

    Args:
        masks (ndarray): Masks of shape (N, H, W), bool.

    Returns:
        tuple[ndarray, ndarray]: As :func:`rles_to_runs` gives them.
    """
    runs = []
    for mask in masks:
        top, bottom = _extent(mask.any(axis=1))
        left, right = _extent(mask[top:bottom].any(axis=0))
        runs.append(_crop_to_runs(mask[top:bottom, left:right], left, top, *mask.shape))
    num_runs = np.array([len(part) for part in runs], dtype=np.int64)
    return np.concatenate([num_runs[:0], *runs]), num_runs


def crop_to_rle(crop: np.ndarray, left: int, top: int, height: int, width: int) -> str:
    """Encode a mask of which only a crop is given, in time of the crop.

    Args:
        crop (ndarray): Part of the mask, (h, w) bool; the rest is 0.
        left (int): Column of its upper left corner in the mask.
        top (int): Row of its upper left corner in the mask.
        height (int): Height of the mask in pixels.
        width (int): Width of the mask in pixels.

    Returns:
        str: COCO's compressed run-length encoding.
    """
    runs = _crop_to_runs(crop, left, top, height, width)
    return runs_to_rles(runs, np.array([len(runs)]))[0]


def rles_to_runs(
    rles: Sequence[str], height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Run lengths of compressed RLEs, checked.

    pycocotools reads past the end of a malformed string without a word, hence
    this decoder. A string is LEB128-like: 6 bits per character (code - 48), of
    which 5 are payload and one says that the number goes on; from the fourth
    number on they are differences to the number two before.

    Args:
        rles (Sequence[str]): COCO's compressed run-length encodings of N masks.
        height (int): Height of the masks in pixels.
        width (int): Width of the masks in pixels.

    Returns:
        tuple[ndarray, ndarray]: Alternating lengths of runs of 0 and of 1, one mask
            after the other, int64, and their number in each mask (N, ). The first
            of a mask may be 0; they add up to ``height * width``.

    Raises:
        ValueError: If one of the strings is not a run-length encoding of such a
            mask.
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
    codes = codes.astype(np.uint8)
    is_last = codes < 32
    if not is_last[np.cumsum(num_codes) - 1].all():
        raise ValueError('the RLE ends within a number')
    ends = np.flatnonzero(is_last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    num_chars = ends - starts + 1
    if num_chars.max() > 7:  # 35 bits: more than pycocotools' 32-bit counts hold
        raise ValueError('the RLE contains a number beyond 32 bits')
    # Number by number, from its last character, the highest bits, to its first.
    runs = -(codes[ends] & 16 != 0).astype(np.int64)
    for place in range(int(num_chars.max()) - 1, -1, -1):
        has = num_chars > place
        runs[has] = (runs[has] << 5) | (codes[starts[has] + place] & 31)
    num_runs = np.add.reduceat(
        is_last.astype(np.int64), np.cumsum(num_codes) - num_codes
    )
    first = np.cumsum(num_runs) - num_runs
    place = np.arange(runs.size) - np.repeat(first, num_runs)
    for is_place, counts in (
        (place % 2 == 1, num_runs // 2),
        ((place % 2 == 0) & (place > 0), (num_runs - 1) // 2),
    ):
        runs[is_place] = _sums_within(runs[is_place], counts)
    if (runs < 0).any():
        raise ValueError('the RLE contains a negative run length')
    sums = np.add.reduceat(runs, first)
    wrong = np.flatnonzero(sums != height * width)
    if wrong.size:
        raise ValueError(
            f'the run lengths of the RLE add up to {sums[wrong[0]]}, not to '
            f'{height} x {width} = {height * width} pixels'
        )
    return runs, num_runs


def find_overlap(
    runs: np.ndarray, num_runs: np.ndarray, frames: Sequence[int]
) -> tuple[int, int] | None:
    """Find two masks of one frame that share a pixel.

    Args:
        runs (ndarray): Run lengths of N masks of one size, as :func:`rles_to_runs`
            gives them.
        num_runs (ndarray): Their number in each mask, (N, ).
        frames (Sequence[int]): Frame of each mask, (N, ).

    Returns:
        tuple[int, int] | None: Their indices, ascending; None if all are disjoint.
    """
    starts, ends, owners = _foreground(runs, num_runs)
    if starts.size == 0:
        return None
    # Frames one behind the other, so that masks of two never meet.
    _, ranks = np.unique(np.asarray(frames), return_inverse=True)
    offsets = ranks[owners] * runs[: num_runs[0]].sum()
    starts, ends = starts + offsets, ends + offsets
    order = np.argsort(starts, kind='stable')
    clash = np.flatnonzero(ends[order[:-1]] > starts[order[1:]])
    if clash.size == 0:
        return None
    pair = owners[order[clash[0]]], owners[order[clash[0] + 1]]
    return int(min(pair)), int(max(pair))


def runs_to_rles(runs: np.ndarray, num_runs: np.ndarray) -> list[str]:
    """Inverse of :func:`rles_to_runs`, all masks at once.

    Args:
        runs (ndarray): Alternating lengths of runs of 0 and of 1, one mask after the
            other, int64.
        num_runs (ndarray): Their number in each of N masks, (N, ), each >= 1.

    Returns:
        list[str]: COCO's compressed run-length encodings.
    """
    if len(num_runs) == 0:
        return []
    first = np.cumsum(num_runs) - num_runs
    place = np.arange(runs.size) - np.repeat(first, num_runs)
    is_late = place > 2
    rest = runs.copy()
    rest[is_late] -= runs[np.flatnonzero(is_late) - 2]
    codes, is_used = [], [np.ones(runs.size, dtype=bool)]
    while is_used[-1].any():
        low = rest & 31
        rest = rest >> 5
        goes_on = rest != -(low >> 4)  # bit 4 is the sign of what ends here
        codes.append((low + 32 * goes_on + 48).astype(np.uint8))
        is_used.append(is_used[-1] & goes_on)
    is_used = np.stack(is_used[:-1], axis=1)
    text = np.stack(codes, axis=1)[is_used].tobytes().decode('ascii')
    ends = np.cumsum(np.add.reduceat(is_used.sum(axis=1), first)).tolist()
    return [text[start:end] for start, end in zip([0, *ends], ends)]


def split_components(rle: str, height: int, width: int) -> list[str]:
    """Split a mask into its 8-connected components.

    Runs are cut at the column ends; two pieces of neighbouring columns touch if
    their rows overlap or meet at a corner.

    Args:
        rle (str): COCO's compressed run-length encoding.
        height (int): Height of the mask in pixels.
        width (int): Width of the mask in pixels.

    Returns:
        list[str]: Encoding of each component, ordered by its leftmost column,
            top first. An empty mask has none.
    """
    starts, ends, _ = _foreground(*rles_to_runs([rle], height, width))
    if starts.size == 0:
        return []
    # Cut at column ends: a run over n columns becomes n pieces.
    num_pieces = (ends - 1) // height - starts // height + 1
    first = np.repeat(np.cumsum(num_pieces) - num_pieces, num_pieces)
    columns = np.repeat(starts // height, num_pieces) + np.arange(first.size) - first
    starts = np.maximum(np.repeat(starts, num_pieces), columns * height)
    ends = np.minimum(np.repeat(ends, num_pieces), (columns + 1) * height)

    # One spare row between columns keeps a touch from wrapping into the next one.
    tops, bottoms = starts + columns, ends + columns
    low = np.searchsorted(bottoms, tops + height + 1, side='left')
    high = np.searchsorted(tops, bottoms + height + 1, side='right')
    left = np.repeat(np.arange(starts.size), high - low)
    right = np.arange(left.size) + np.repeat(
        low - np.cumsum(high - low) + (high - low), high - low
    )
    graph = coo_array((np.ones(left.size), (left, right)), shape=(starts.size,) * 2)
    num_components, labels = connected_components(graph, directed=False)

    order = np.argsort(labels, kind='stable')
    splits = np.searchsorted(labels[order], np.arange(1, num_components))
    components = []
    for members in np.split(order, splits):
        edges = np.stack([starts[members], ends[members]], axis=1).ravel()
        # Join what the cut at the column ends parted.
        edges = np.concatenate(([0], _joined(edges), [height * width]))
        components.append(_trimmed(np.diff(edges)))
    num_runs = np.array([len(runs) for runs in components])
    return runs_to_rles(np.concatenate(components), num_runs)


def _foreground(
    runs: np.ndarray, num_runs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Non-empty runs of 1 as half-open intervals, column-major, and their masks."""
    bounds = _sums_within(runs, num_runs)
    first = np.cumsum(num_runs) - num_runs
    owners = np.repeat(np.arange(len(num_runs)), num_runs)
    is_foreground = (np.arange(runs.size) - first[owners]) % 2 == 1
    is_foreground &= runs > 0
    ends = bounds[is_foreground]
    return ends - runs[is_foreground], ends, owners[is_foreground]


def _sums_within(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Cumulative sums that start anew for each group of neighbours."""
    sums = np.concatenate(([0], np.cumsum(values)))
    before = sums[np.cumsum(counts) - counts]
    return sums[1:] - np.repeat(before, counts)


def _extent(is_set: np.ndarray) -> tuple[int, int]:
    """First and past-the-last place that is set; (0, 0) without one."""
    places = np.flatnonzero(is_set)
    return (int(places[0]), int(places[-1]) + 1) if places.size else (0, 0)


def _crop_to_runs(
    crop: np.ndarray, left: int, top: int, height: int, width: int
) -> np.ndarray:
    """Run lengths of a mask of which only a crop is given."""
    step = crop.shape[0] + 1
    # Column by column, a 0 before the first and after each: no run leaves a column.
    pixels = np.zeros(1 + crop.shape[1] * step, dtype=bool)
    pixels[1:].reshape(-1, step)[:, :-1] = crop.T
    edges = np.flatnonzero(pixels[1:] != pixels[:-1])
    edges += edges // step * (height - step) + (left * height + top)
    if step > height:
        edges = _joined(edges)
    return _trimmed(np.diff(np.concatenate(([0], edges, [height * width]))))


def _joined(edges: np.ndarray) -> np.ndarray:
    """Starts and ends of runs, without those where one run goes on in the next."""
    joints = 2 * np.flatnonzero(edges[1:-1:2] == edges[2::2]) + 1
    keep = np.ones(edges.size, dtype=bool)
    keep[joints] = keep[joints + 1] = False
    return edges[keep]


def _trimmed(runs: np.ndarray) -> np.ndarray:
    """Without a last run of length 0, which pycocotools would not write either."""
    return runs[:-1] if runs[-1] == 0 else runs

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Arithmetic on run-length encoded masks, without decoding them."""

import numpy as np
from pycocotools import mask as mask_utils
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def mask_to_rle(mask: np.ndarray) -> str:
    """Encode a mask as the last field of a KITTI MOTS line.

    Args:
        mask (ndarray): Mask of shape (H, W), bool or 0/1.

    Returns:
        str: COCO's compressed run-length encoding.
    """
    return mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))['counts'].decode(
        'ascii'
    )


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
    columns = np.zeros((crop.shape[1], height), dtype=np.int8)
    columns[:, top : top + crop.shape[0]] = crop.T
    changes = np.flatnonzero(np.diff(columns.ravel(), prepend=0, append=0))
    edges = np.concatenate(([0], left * height + changes, [height * width]))
    return runs_to_rle(_trimmed(np.diff(edges)), height, width)


def rle_to_runs(rle: str, height: int, width: int) -> np.ndarray:
    """Run lengths of a compressed RLE, checked.

    pycocotools reads past the end of a malformed string without a word, hence
    this decoder. The string is LEB128-like: 6 bits per character (code - 48), of
    which 5 are payload and one says that the number goes on; from the fourth
    number on they are differences to the number two before.

    Args:
        rle (str): COCO's compressed run-length encoding.
        height (int): Height of the mask in pixels.
        width (int): Width of the mask in pixels.

    Returns:
        ndarray: Alternating lengths of runs of 0 and of 1, (num_runs, ) int64.
            The first may be 0; they add up to ``height * width``.

    Raises:
        ValueError: If the string is not a run-length encoding of such a mask.
    """
    codes = np.frombuffer(rle.encode(), dtype=np.uint8) - 48
    if codes.size == 0:
        raise ValueError('the RLE is empty')
    if (codes > 63).any():  # uint8: characters below '0' wrap around
        raise ValueError('the RLE contains a character outside "0".."o"')
    is_last = codes < 32
    if not is_last[-1]:
        raise ValueError('the RLE ends within a number')
    ends = np.flatnonzero(is_last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    num_chars = ends - starts + 1
    if num_chars.max() > 7:  # 35 bits: more than pycocotools' 32-bit counts hold
        raise ValueError('the RLE contains a number beyond 32 bits')
    shifts = 5 * (np.arange(codes.size) - np.repeat(starts, num_chars))
    runs = np.add.reduceat((codes & 31).astype(np.int64) << shifts, starts)
    runs -= (codes[ends] & 16 != 0).astype(np.int64) << (5 * num_chars)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if (runs < 0).any():
        raise ValueError('the RLE contains a negative run length')
    if runs.sum() != height * width:
        raise ValueError(
            f'the run lengths of the RLE add up to {runs.sum()}, not to '
            f'{height} x {width} = {height * width} pixels'
        )
    return runs


def find_overlap(masks: list[np.ndarray]) -> tuple[int, int] | None:
    """Find two masks that share a pixel.

    Args:
        masks (list[ndarray]): Run lengths of at least one mask, as
            :func:`rle_to_runs` gives them, all of one size.

    Returns:
        tuple[int, int] | None: Their indices; None if all are disjoint.
    """
    pieces = [_foreground(runs) for runs in masks]
    owners = np.repeat(np.arange(len(masks)), [len(ends) for _, ends in pieces])
    starts, ends = (np.concatenate(bounds) for bounds in zip(*pieces))
    order = np.argsort(starts, kind='stable')
    clash = np.flatnonzero(ends[order[:-1]] > starts[order[1:]])
    if clash.size == 0:
        return None
    return int(owners[order[clash[0]]]), int(owners[order[clash[0] + 1]])


def runs_to_rle(runs: np.ndarray, height: int, width: int) -> str:
    """Inverse of :func:`rle_to_runs`.

    Args:
        runs (ndarray): Alternating lengths of runs of 0 and of 1, (num_runs, ).
        height (int): Height of the mask in pixels.
        width (int): Width of the mask in pixels.

    Returns:
        str: COCO's compressed run-length encoding.
    """
    rle = mask_utils.frPyObjects(
        {'size': [height, width], 'counts': runs.tolist()}, height, width
    )
    return rle['counts'].decode('ascii')


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
    starts, ends = _foreground(rle_to_runs(rle, height, width))
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
        keep = np.ones(edges.size, dtype=bool)
        joints = 2 * np.flatnonzero(edges[1:-1:2] == edges[2::2]) + 1
        keep[joints] = keep[joints + 1] = False
        edges = np.concatenate(([0], edges[keep], [height * width]))
        components.append(runs_to_rle(_trimmed(np.diff(edges)), height, width))
    return components


def _foreground(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half-open intervals of the non-empty runs of 1, column-major."""
    bounds = np.cumsum(runs)
    starts, ends = bounds[0::2][: len(bounds) // 2], bounds[1::2]
    keep = ends > starts
    return starts[keep], ends[keep]


def _trimmed(runs: np.ndarray) -> np.ndarray:
    """Without a last run of length 0, which pycocotools would not write either."""
    return runs[:-1] if runs[-1] == 0 else runs

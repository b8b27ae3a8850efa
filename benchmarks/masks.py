# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Masks without learning and what single masks are worth."""

import cv2
import numpy as np


def boundary_iou(first: np.ndarray, second: np.ndarray, width: int) -> float:
    """Boundary IoU (Cheng et al., CVPR 2021): IoU of the inner bands of two masks.

    Args:
        first (ndarray): Mask (H, W) bool.
        second (ndarray): Mask (H, W) bool.
        width (int): Of the band in pixels, at least 1.

    Returns:
        float: In [0, 1]; 0 if both masks are empty.
    """
    ys, xs = np.nonzero(first | second)
    if len(ys) == 0:
        return 0.0
    window = slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1)
    bands = []
    for mask in (first[window], second[window]):
        padded = cv2.copyMakeBorder(
            mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT
        )
        inner = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=width)
        bands.append((padded - inner).astype(bool))
    return float((bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum())


def fill_box(bbox: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The filled box as a mask, which every learned mask has to beat.

    Args:
        bbox (ndarray): Box (4, ) xyxy in pixels; rounded and clipped to the frame.
        size (tuple[int, int]): Height and width of the frame.

    Returns:
        ndarray: Mask (H, W) bool.
    """
    height, width = size
    limits = [width, height, width, height]
    x1, y1, x2, y2 = np.clip(np.round(bbox), 0, limits).astype(int)
    mask = np.zeros(size, dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


def grabcut(
    frame: np.ndarray,
    bbox: np.ndarray,
    num_iters: int = 5,
    max_side: int | None = None,
) -> np.ndarray:
    """GrabCut (Rother et al., 2004) in a box, as one segments without learning.

    Args:
        frame (ndarray): BGR, (H, W, 3) uint8.
        bbox (ndarray): Box (4, ) xyxy in pixels.
        num_iters (int): Its iterations. Defaults to 5.
        max_side (int, optional): A window around the box whose longer side is above
            it is shrunk to it: the time of a cut grows faster than its area.

    Returns:
        ndarray: Mask (H, W) bool; the filled box where GrabCut finds nothing or has
        no background to learn from.
    """
    height, width = frame.shape[:2]
    mask = fill_box(bbox, (height, width))
    if not mask.any():
        return mask
    x, y, box_width, box_height = cv2.boundingRect(mask.astype(np.uint8))
    # Colours of a margin around the box are enough background.
    margin_x, margin_y = int(0.3 * box_width) + 2, int(0.3 * box_height) + 2
    left, top = max(x - margin_x, 0), max(y - margin_y, 0)
    right = min(x + box_width + margin_x, width)
    bottom = min(y + box_height + margin_y, height)
    window = slice(top, bottom), slice(left, right)
    labels = np.where(mask[window], cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    if labels.min() == labels.max():
        return mask
    crop, size = np.ascontiguousarray(frame[window]), labels.shape[::-1]
    scale = min(1, (max_side or max(size)) / max(size))
    if scale < 1:
        small = [max(round(scale * side), 1) for side in size]
        crop = cv2.resize(crop, small, interpolation=cv2.INTER_AREA)
        labels = cv2.resize(labels, small, interpolation=cv2.INTER_NEAREST)
    cv2.setRNGSeed(0)
    models = np.zeros((2, 1, 65))
    cv2.grabCut(crop, labels, None, *models, num_iters, cv2.GC_INIT_WITH_MASK)
    is_object = np.isin(labels, (cv2.GC_PR_FGD, cv2.GC_FGD)).astype(np.float32)
    is_object = cv2.resize(is_object, size, interpolation=cv2.INTER_LINEAR)
    found = np.zeros_like(mask)
    found[window] = (is_object > 0.5) & mask[window]
    return found if found.any() else mask

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np


def resize_masks(
    masks: list[np.ndarray], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Resize disjoint masks so that they stay disjoint and none is lost.

    Masks take the nearest pixel: on average that neither thickens nor thins them,
    so the share of their box that they fill stays the same (rounding coverage up or
    down at one half moves the MOTSP of filled boxes by 1 point at half size). An
    object too small for any pixel gets the one that it covers most.

    Args:
        masks (list[ndarray]): n disjoint masks of one size, (H, W) bool.
        size (tuple[int]): Width and height of the result.

    Returns:
        tuple[ndarray]: Masks (n, h, w) bool, and coverage (n, h, w) float32 in
        [0, 1] for drawing soft edges.
    """
    width, height = size
    coverage = np.zeros((len(masks), height, width), np.float32)
    resized = np.zeros(coverage.shape, bool)
    for index, mask in enumerate(masks):
        image = np.asarray(mask, np.uint8) * 255
        shrinks = width <= image.shape[1] and height <= image.shape[0]
        smooth = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        coverage[index] = cv2.resize(image, size, interpolation=smooth)
        resized[index] = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST) > 0
    coverage /= 255
    for index in np.flatnonzero(~resized.any((1, 2))):
        # Prefer a pixel whose loss does not erase another object.
        small = resized[resized.sum((1, 2)) == 1].any(0)
        pixel = np.where(small, -1.0, coverage[index]).argmax()
        row, col = np.unravel_index(pixel, small.shape)
        resized[:, row, col] = False
        resized[index, row, col] = True
    # What is annotated is drawn, however little of a pixel it covers.
    np.maximum(coverage, 0.5 * resized, out=coverage)
    return resized, coverage

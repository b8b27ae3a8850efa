# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np


def resize_masks(
    masks: list[np.ndarray], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Resize disjoint masks so that they stay disjoint and none is lost.

    A pixel belongs to the object that covers most of it, at least half. An object
    too small for any pixel gets the one that it covers most.

    Args:
        masks (list[ndarray]): n disjoint masks of one size, (H, W) bool.
        size (tuple[int]): Width and height of the result.

    Returns:
        tuple[ndarray]: Masks (n, h, w) bool and coverage (n, h, w) float32 in
        [0, 1].
    """
    width, height = size
    shape = (len(masks), height, width)
    coverage = np.zeros(shape, np.float32)
    for cover, mask in zip(coverage, masks):
        image = np.asarray(mask, np.uint8) * 255
        shrinks = width <= image.shape[1] and height <= image.shape[0]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        cover[:] = cv2.resize(image, size, interpolation=method)
    coverage /= 255
    if not masks:
        return coverage.astype(bool), coverage
    owner = coverage.argmax(0)
    owner[coverage.max(0) < 0.5] = -1
    for index in range(len(masks)):
        if (owner == index).any():
            continue
        # Prefer pixels whose loss does not erase another object.
        areas = np.bincount(owner[owner >= 0], minlength=len(masks))
        single = (owner >= 0) & (areas[owner] == 1)
        pixel = np.where(single, -1.0, coverage[index]).argmax()
        owner.flat[pixel] = index
        coverage[index].flat[pixel] = max(coverage[index].flat[pixel], 0.5)
    return owner == np.arange(len(masks))[:, None, None], coverage

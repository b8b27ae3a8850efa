# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Cells of the pages of pictures."""

import cv2
import numpy as np

TINT, INK = (60, 200, 250), (40, 40, 40)  # BGR
CONTEXT = 1.3  # side of the view over the longer side of the box


def object_view(
    image: np.ndarray, mask: np.ndarray | None, box: np.ndarray, cell: int
) -> np.ndarray:
    """Draw the square around a box.

    Args:
        image (ndarray): BGR, (H, W, 3) uint8.
        mask (ndarray | None): (H, W) bool, to be tinted and outlined.
        box (ndarray): (4, ) xyxy in pixels.
        cell (int): Side of the view in pixels.

    Returns:
        ndarray: BGR, (cell, cell, 3) uint8.
    """
    side = CONTEXT * max(box[2:] - box[:2])
    scale = cell / side
    corner = (box[:2] + box[2:] - side) / 2
    matrix = np.float64(
        [[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]]
    )
    matrix[:, 2] += scale / 2 - 0.5  # pixel centres
    view = cv2.warpAffine(image, matrix, (cell, cell), flags=cv2.INTER_CUBIC)
    if mask is None:
        return view
    area = cv2.warpAffine(
        mask.astype(np.uint8), matrix, (cell, cell), flags=cv2.INTER_NEAREST
    )
    tinted = np.rint(0.6 * view + 0.4 * np.array(TINT)).astype(np.uint8)
    view = np.where(area[..., None] > 0, tinted, view)
    contours, _ = cv2.findContours(area, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(view, contours, -1, TINT, 1, cv2.LINE_AA)

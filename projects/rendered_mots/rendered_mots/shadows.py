# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np


def cast_shadows(
    frame: np.ndarray, outlines: list[np.ndarray], strength: float, sigma: float
) -> None:
    """Darken ``frame`` where shadows fall, in place.

    Args:
        frame (ndarray): (h, w, 3) float32.
        outlines (list[ndarray]): Polygons in pixels, (k, 2) each.
        strength (float): Share of the light that is taken away.
        sigma (float): Softness of the edge in pixels.
    """
    if not outlines:
        return
    shade = np.zeros(frame.shape[:2], np.uint8)
    for outline in outlines:
        vertices = np.clip(outline * 16, -3e5, 3e5).astype(np.int32)
        cv2.fillPoly(shade, [vertices], 255, cv2.LINE_AA, 4)
    shade = cv2.GaussianBlur(shade, (0, 0), max(sigma, 0.4)).astype(np.float32)
    frame *= (1 - strength / 255 * shade)[..., None]

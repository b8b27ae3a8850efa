# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Layers to one frame and its disjoint masks."""

import cv2
import numpy as np

from .sensor import Sensor
from .sprite import Sprite


def cast_shadows(
    frame: np.ndarray, outlines: list[np.ndarray], strength: float, sigma: float
) -> None:
    """Darken ``frame`` where shadows fall, in place.

    Args:
        frame (ndarray): (h, w, 3) float32, road and sky.
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


def blend_layers(frame: np.ndarray, layers: list[Sprite], sensor: Sensor) -> np.ndarray:
    """Draw layers from far to near.

    A pixel belongs to the nearest layer that covers at least half of it; drawing
    softens the edges after that.

    Args:
        frame (ndarray): (h, w, 3) float32, changed in place.
        layers (list[Sprite]): Objects and scenery, any order.
        sensor (Sensor): Gives the blur at a depth.

    Returns:
        ndarray: Identity of every pixel, (h, w) int32, 0 for scenery.
    """
    labels = np.zeros(frame.shape[:2], np.int32)
    for layer in sorted(layers, key=lambda sprite: -sprite.depth):
        labels[layer.rows, layer.cols][layer.alpha >= 0.5] = layer.track_id
        layer.blur(sensor.depth_blur(layer.depth))
        layer.blend(frame)
    return labels

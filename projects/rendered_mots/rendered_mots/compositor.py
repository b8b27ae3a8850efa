# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Layers to one frame and its disjoint masks."""

import numpy as np

from .sensor import Sensor
from .sprite import Sprite


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

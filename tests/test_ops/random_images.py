# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Random crops for the fuzz of the bilateral filter."""

import numpy as np
import torch
from torch import Tensor

IMAGE_KINDS = ('flat', 'noise', 'grain', 'gradient', 'saturated', 'two colours')


def random_image(
    rng: np.random.Generator, kind: str, height: int, width: int
) -> Tensor:
    """An image (1, 3, H, W) of one of the kinds, float32 in 0..255."""

    def colour():
        return rng.uniform(0, 255, (3, 1, 1))

    y, x = np.mgrid[:height, :width]
    if kind == 'flat':
        image = np.broadcast_to(colour(), (3, height, width))
    elif kind == 'noise':
        image = rng.uniform(0, 255, (3, height, width))
    elif kind == 'grain':
        image = colour() + rng.normal(0, rng.uniform(1, 60), (3, height, width))
    elif kind == 'gradient':
        a, b, c = colour(), colour(), colour()
        image = a + (b - a) * y / height + (c - a) * x / width
    elif kind == 'saturated':
        image = np.where(rng.random((3, height, width)) < 0.5, 0, 255)
    else:
        share = rng.random()
        image = np.where(rng.random((height, width)) < share, colour(), colour())
    return torch.from_numpy(np.clip(image, 0, 255).astype(np.float32))[None]

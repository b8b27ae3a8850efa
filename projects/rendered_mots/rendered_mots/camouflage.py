# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from typing import NamedTuple

import numpy as np

from .rng import generator
from .sprite import Sprite

SHARE = 0.2
CONTRAST = 0.45


class Camouflage(NamedTuple):
    """Moves an identity's colours towards its surroundings, once and for all.

    Attributes:
        own (ndarray): Mean colour of the object, BGR (3,).
        target (ndarray): Mean colour of what lies behind it at one moment of its
            track, BGR (3,).
    """

    own: np.ndarray
    target: np.ndarray

    @staticmethod
    def wears(seed: int, sequence: str, track_id: int) -> bool:
        """Whether the identity is one of the low-contrast fifth."""
        return generator(seed, 'camouflage', sequence, track_id).random() < SHARE

    @classmethod
    def from_sprite(cls, sprite: Sprite, background: np.ndarray) -> 'Camouflage':
        """Compare a layer with the background (h, w, 3) that it will cover."""
        weight = sprite.alpha / max(float(sprite.alpha.sum()), 1e-6)
        window = background[sprite.rows, sprite.cols]
        own = sprite.colour.sum((0, 1)) / max(float(sprite.alpha.sum()), 1e-6)
        return cls(own, (window * weight[..., None]).sum((0, 1)))

    def apply(self, sprite: Sprite) -> None:
        """Change the colours of a layer in place."""
        alpha = sprite.alpha[..., None]
        shift = self.target - CONTRAST * self.own
        sprite.colour = CONTRAST * sprite.colour + alpha * shift
        sprite.colour = np.clip(sprite.colour, 0, 255 * alpha).astype(np.float32)

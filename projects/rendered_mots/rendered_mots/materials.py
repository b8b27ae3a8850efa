# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What a painted polygon is made of: textures that stay with an identity."""

import cv2
import numpy as np

from .sprite import Canvas
from .textures import fractal_noise

PAINT, GLASS, RUBBER, LAMP, PLATE, PLASTIC = 1, 2, 3, 4, 5, 6
SKIN, HAIR, TOP, BOTTOM, SHOE, BAG = 11, 12, 13, 14, 15, 16
TEXTURE_SIZE = 96


class MaterialLook:
    """Textures of one identity, one per material, in the object's box.

    The textures are stretched over the whole (also hidden) box of the object, so
    that they move and grow with it.

    Args:
        rng (np.random.Generator): Generator of the identity.
        kind (str): 'car' or 'pedestrian'.
    """

    def __init__(self, rng: np.random.Generator, kind: str) -> None:
        size = TEXTURE_SIZE
        fine = fractal_noise(rng, size, size, 12, 3)
        coarse = fractal_noise(rng, size, size, 3, 3)
        self._gain, self._offset = {}, {}
        if kind == 'car':
            rows = np.linspace(0, 1, size, dtype=np.float32)[:, None]
            # Lacquer mirrors a bright sky above a dark street line.
            street = np.tanh((rows - rng.uniform(0.45, 0.65) + 0.03 * coarse) * 18)
            gloss = rng.uniform(0.03, 0.14)
            dirt = rng.uniform(0, 0.12) * np.clip(rows - 0.6, 0, 1)
            self._gain[PAINT] = 1 - gloss * street - dirt + 0.035 * coarse + 0.02 * fine
            streak = cv2.warpAffine(
                coarse,
                np.float32([[1, rng.uniform(-0.8, 0.8), 0], [0, 0.35, 0]]),
                (size, size),
                borderMode=cv2.BORDER_REFLECT,
            )
            mirror = np.clip(streak - rng.uniform(-0.2, 0.9), 0, 1)
            self._offset[GLASS] = mirror * rng.uniform(25, 130) + 5 * fine
            bars = (np.arange(size) // 3 % 2)[None, :] * (fine > -0.6)
            self._gain[PLATE] = 1 - 0.45 * bars * np.ones((size, 1))
        else:
            self._gain[HAIR] = 1 + 0.22 * fine
            self._gain[TOP] = 1 + 0.07 * coarse + 0.05 * fine
            self._gain[BOTTOM] = 1 + 0.07 * coarse + 0.06 * fine
            self._gain[BAG] = 1 + 0.1 * coarse
            self._add_pattern(rng, size)
        for textures in (self._gain, self._offset):
            for number, texture in textures.items():
                textures[number] = texture.astype(np.float32)

    def _add_pattern(self, rng: np.random.Generator, size: int) -> None:
        pattern = rng.choice(['plain', 'plain', 'stripes', 'plaid', 'print', 'split'])
        rows, cols = np.mgrid[0:size, 0:size]
        period = int(rng.integers(5, 12))
        contrast = rng.uniform(25, 80) * rng.choice([-1, 1])
        if pattern == 'stripes':
            mark = (rows // (period // 2) % 2).astype(np.float32)
        elif pattern == 'plaid':
            mark = 0.5 * (rows // (period // 2) % 2) + 0.5 * (cols // period % 2)
        elif pattern == 'print':  # on the chest
            mark = (np.hypot(rows - 0.3 * size, cols - 0.5 * size) < 0.09 * size) * 1.0
        elif pattern == 'split':  # a jacket open over a shirt
            mark = (np.abs(cols - 0.5 * size) < 0.06 * size) * 1.0
        else:
            return
        self._offset[TOP] = mark * contrast

    def apply(self, canvas: Canvas, box: np.ndarray) -> np.ndarray:
        """Texture what was painted.

        Args:
            canvas (Canvas): Painted polygons.
            box (ndarray): Whole box of the object in frame pixels: x0, y0, x1, y1.

        Returns:
            ndarray: Colour at the canvas's size, (rows, cols, 3) float32.
        """
        colour = canvas.image[..., :3].astype(np.float32)
        present = np.bincount(canvas.image[..., 3].ravel(), minlength=32) > 0
        for textures, change in ((self._gain, np.multiply), (self._offset, np.add)):
            for number, texture in textures.items():
                if present[number]:
                    where = canvas.image[..., 3] == number
                    value = canvas.texture(texture, box)[where]
                    colour[where] = change(colour[where], value[:, None])
        return colour

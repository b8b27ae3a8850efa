# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence

import numpy as np

from benchmarks.masks import fill_box

from .recipe import Recipe


class Filled(Recipe):
    """The box itself, whole: boxes do not compete for a pixel."""

    def masks(
        self, frame: np.ndarray, boxes: np.ndarray, labels: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fill the boxes; see :meth:`Recipe.masks`."""
        masks = np.stack([fill_box(box, frame.shape[:2]) for box in boxes])
        return masks, np.ones(len(boxes))

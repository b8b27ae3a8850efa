# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence

import numpy as np

from benchmarks.masks import grabcut

from .recipe import Recipe

MAX_SIDE = 128  # pixels


class GrabCut(Recipe):
    """OpenCV's GrabCut, box by box, on windows shrunk to 128 pixels."""

    def masks(
        self, frame: np.ndarray, boxes: np.ndarray, labels: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cut the boxes; see :meth:`Recipe.masks`."""
        masks = np.stack([grabcut(frame, box, max_side=MAX_SIDE) for box in boxes])
        return masks, np.ones(len(boxes))

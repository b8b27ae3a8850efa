# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from abc import ABCMeta, abstractmethod
from argparse import Namespace
from collections.abc import Sequence

import numpy as np

from ..data import Frame


class Recipe(metaclass=ABCMeta):
    """A way from boxes to masks.

    Args:
        args (Namespace): Options of the command line.

    Attributes:
        learns_from (str | None): 'boxes' or 'masks'; None learns nothing, or brings
            weights of its own.
        classes (frozenset[str] | None): What it segments; None is anything.
    """

    learns_from: str | None = None
    classes: frozenset[str] | None = None

    def __init__(self, args: Namespace) -> None:
        self.args = args

    def fit(self, train: Sequence[Frame]) -> None:
        """Learn from frames.

        Args:
            train (Sequence[Frame]): Their ``truth`` is None throughout unless the
                recipe learns from masks.
        """
        raise NotImplementedError(f'{type(self).__name__} learns nothing')

    def load(self, weights: str) -> None:
        """Take weights in place of :meth:`fit`.

        Args:
            weights (str): A checkpoint, or 'released'.
        """
        raise ValueError(f'--weights: recipe {self.args.recipe} takes none')

    def adapt(self, frames: Sequence[Frame]) -> None:
        """Go on from the weights of :meth:`load` on the boxes to be segmented.

        Args:
            frames (Sequence[Frame]): Without ``truth``.
        """
        raise ValueError(f'--adapt: recipe {self.args.recipe} cannot')

    @abstractmethod
    def masks(
        self, frame: np.ndarray, boxes: np.ndarray, labels: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Segment the objects of a frame.

        Args:
            frame (ndarray): BGR, (H, W, 3) uint8.
            boxes (ndarray): All boxes of the frame, (n, 4) xyxy in pixels, n > 0.
            labels (Sequence[str]): Their classes.

        Returns:
            tuple[ndarray, ndarray]: Masks (n, H, W) bool and confidences (n, ) in
            [0, 1].
        """

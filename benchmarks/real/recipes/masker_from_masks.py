# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence

from ..data import Frame
from .masker import LABELS, Masker


class MaskerFromMasks(Masker):
    """The network of the second stage, from true masks: what boxes could reach."""

    learns_from = 'masks'

    def fit(self, train: Sequence[Frame]) -> None:
        """Train on the masks; see :meth:`Recipe.fit`."""
        folder = self.args.out / 'train'
        images = self._write(train, folder / 'masks.json')
        self.load(self._train(LABELS, folder / 'masks.json', images, folder / 'masks'))

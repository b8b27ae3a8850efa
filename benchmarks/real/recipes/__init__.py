# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .filled import Filled
from .grabcut import GrabCut
from .masker import Masker
from .masker_from_masks import MaskerFromMasks
from .recipe import Recipe
from .sam2 import SAM2

RECIPES = {
    'masker': Masker,
    'masker-from-masks': MaskerFromMasks,
    'filled': Filled,
    'grabcut': GrabCut,
    'sam2': SAM2,
}

__all__ = [
    'RECIPES',
    'SAM2',
    'Filled',
    'GrabCut',
    'Masker',
    'MaskerFromMasks',
    'Recipe',
]

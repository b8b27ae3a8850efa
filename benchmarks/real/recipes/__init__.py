# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .filled import Filled
from .grabcut import GrabCut
from .plus import Plus
from .recipe import Recipe
from .sam2 import SAM2

RECIPES = {
    'plus': Plus,
    'filled': Filled,
    'grabcut': GrabCut,
    'sam2': SAM2,
}

__all__ = ['RECIPES', 'SAM2', 'Filled', 'GrabCut', 'Plus', 'Recipe']

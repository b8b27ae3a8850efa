# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .mask_refiner import MaskRefiner

__all__ = ['MaskRefiner']

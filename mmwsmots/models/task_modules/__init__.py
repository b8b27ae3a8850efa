# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .jittered_roi_sampler import JitteredRoISampler
from .mask_refiner import MaskRefiner

__all__ = ['JitteredRoISampler', 'MaskRefiner']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .jittered_roi_sampler import JitteredRoISampler

__all__ = ['JitteredRoISampler']

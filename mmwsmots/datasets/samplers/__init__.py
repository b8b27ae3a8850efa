# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .clip_sampler import ClipSampler

__all__ = ['ClipSampler']

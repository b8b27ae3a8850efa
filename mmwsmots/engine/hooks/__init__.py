# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .mask_guard_hook import MaskGuardHook

__all__ = ['MaskGuardHook']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .hooks import MaskGuardHook

__all__ = ['MaskGuardHook']

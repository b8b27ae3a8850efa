# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .hooks import FiniteLossHook, MaskGuardHook, RandomStateHook

__all__ = ['FiniteLossHook', 'MaskGuardHook', 'RandomStateHook']

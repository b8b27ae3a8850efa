# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .finite_loss_hook import FiniteLossHook
from .mask_guard_hook import MaskGuardHook
from .random_state_hook import RandomStateHook

__all__ = ['FiniteLossHook', 'MaskGuardHook', 'RandomStateHook']

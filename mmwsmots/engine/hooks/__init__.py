# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .finite_loss_hook import FiniteLossHook
from .loss_warmup_hook import LossWarmupHook
from .mask_guard_hook import MaskGuardHook

__all__ = ['FiniteLossHook', 'LossWarmupHook', 'MaskGuardHook']

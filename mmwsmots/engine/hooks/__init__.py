# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .compile_features_hook import CompileFeaturesHook
from .finite_loss_hook import FiniteLossHook
from .loss_warmup_hook import LossWarmupHook
from .mask_guard_hook import MaskGuardHook
from .random_state_hook import RandomStateHook

__all__ = [
    'CompileFeaturesHook',
    'FiniteLossHook',
    'LossWarmupHook',
    'MaskGuardHook',
    'RandomStateHook',
]

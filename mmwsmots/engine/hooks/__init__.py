# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .compile_features_hook import CompileFeaturesHook
from .finite_loss_hook import FiniteLossHook
from .mask_guard_hook import MaskGuardHook
from .random_state_hook import RandomStateHook
from .safe_checkpoint_hook import SafeCheckpointHook

__all__ = [
    'CompileFeaturesHook',
    'FiniteLossHook',
    'MaskGuardHook',
    'RandomStateHook',
    'SafeCheckpointHook',
]

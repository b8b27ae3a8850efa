# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .hooks import (
    CompileFeaturesHook,
    FiniteLossHook,
    LossWarmupHook,
    MaskGuardHook,
    RandomStateHook,
)

__all__ = [
    'CompileFeaturesHook',
    'FiniteLossHook',
    'LossWarmupHook',
    'MaskGuardHook',
    'RandomStateHook',
]

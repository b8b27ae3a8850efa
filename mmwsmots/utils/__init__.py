# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .checkpoint import allow_mmengine_checkpoints, weights_only
from .config_inheritance import inherit_own_configs
from .cpu_processes import prepare_cpu_processes
from .device import check_device

__all__ = [
    'allow_mmengine_checkpoints',
    'check_device',
    'inherit_own_configs',
    'prepare_cpu_processes',
    'weights_only',
]

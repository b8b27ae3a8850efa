# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .checkpoint import weights_only
from .config_inheritance import inherit_own_configs
from .cpu_processes import prepare_cpu_processes
from .keep_freed_memory import keep_freed_memory
from .replacing import replacing

__all__ = [
    'inherit_own_configs',
    'keep_freed_memory',
    'prepare_cpu_processes',
    'replacing',
    'weights_only',
]

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .checkpoint import weights_only
from .cpu_processes import prepare_cpu_processes
from .device import check_device
from .quiet_dependencies import quiet_dependencies

__all__ = [
    'check_device',
    'prepare_cpu_processes',
    'quiet_dependencies',
    'weights_only',
]

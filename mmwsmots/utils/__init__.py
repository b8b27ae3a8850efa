# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .checkpoint import weights_only
from .config_file import find_config, read_config_file
from .device import check_device, prepare_cpu_processes
from .quiet_dependencies import quiet_dependencies

__all__ = [
    'check_device',
    'find_config',
    'prepare_cpu_processes',
    'quiet_dependencies',
    'read_config_file',
    'weights_only',
]

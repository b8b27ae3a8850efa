# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .checkpoint import weights_only
from .cpu_processes import prepare_cpu_processes
from .replacing import replacing

__all__ = ['prepare_cpu_processes', 'replacing', 'weights_only']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from . import engine, models
from .compat import MMDET_TRACKS
from .utils import allow_mmengine_checkpoints, inherit_own_configs
from .version import __version__

__all__ = ['__version__', 'engine', 'models']
if MMDET_TRACKS:
    from . import datasets, evaluation, visualization

    __all__ += ['datasets', 'evaluation', 'visualization']

allow_mmengine_checkpoints()
inherit_own_configs()

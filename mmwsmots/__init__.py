# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from . import datasets, engine, evaluation, models, visualization
from .utils import inherit_own_configs
from .version import __version__

inherit_own_configs()

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'visualization']

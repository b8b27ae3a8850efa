# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from . import datasets, engine, evaluation, models, visualization
from .version import __version__

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'visualization']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from . import datasets, evaluation

__all__ = ['datasets', 'evaluation']

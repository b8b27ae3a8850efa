# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .mots_metric import MOTSMetric

__all__ = ['MOTSMetric']

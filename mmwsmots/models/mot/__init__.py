# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .motsnet import MOTSNet

__all__ = ['MOTSNet']

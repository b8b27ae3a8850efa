# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .dataset_renderer import render_dataset

__all__ = ['render_dataset']

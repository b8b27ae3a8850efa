# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from . import (
    backbones,
    data_preprocessors,
    dense_heads,
    losses,
    mot,
    roi_heads,
    task_modules,
    trackers,
    tracking_heads,
)

__all__ = [
    'backbones',
    'data_preprocessors',
    'dense_heads',
    'losses',
    'mot',
    'roi_heads',
    'task_modules',
    'trackers',
    'tracking_heads',
]

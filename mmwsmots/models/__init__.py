# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from . import (
    data_preprocessors,
    losses,
    mot,
    roi_heads,
    task_modules,
    trackers,
    tracking_heads,
)

__all__ = [
    'data_preprocessors',
    'losses',
    'mot',
    'roi_heads',
    'task_modules',
    'trackers',
    'tracking_heads',
]

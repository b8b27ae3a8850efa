# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from ..compat import MMDET_TRACKS
from . import (
    backbones,
    data_preprocessors,
    losses,
    roi_heads,
    task_modules,
    trackers,
    tracking_heads,
)

__all__ = [
    'backbones',
    'data_preprocessors',
    'losses',
    'roi_heads',
    'task_modules',
    'trackers',
    'tracking_heads',
]
if MMDET_TRACKS:
    from . import dense_heads, maskers, mot

    __all__ += ['dense_heads', 'maskers', 'mot']
else:
    from . import mmtracking

    __all__ += ['mmtracking']

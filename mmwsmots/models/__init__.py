# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from ..compat import MMDET_TRACKS
from . import (  # noqa: F401
    backbones,
    data_preprocessors,
    losses,
    roi_heads,
    task_modules,
    trackers,
    tracking_heads,
)

if MMDET_TRACKS:
    from . import dense_heads, maskers, mot  # noqa: F401
else:  # MMTracking builds detectors alone from mmdet's registry
    from mmtrack.registry import MODELS

    MODELS.register_module(module=losses.HardTripletLoss)
    MODELS.register_module(module=trackers.IoUCosineTracker)
    MODELS.register_module(module=tracking_heads.HardTripletEmbedHead)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Our tracking parts in the registry of MMTracking, for its models.

Parts of detectors stay in mmdet's registry, from which MMTracking builds its
detectors (``_scope_='mmdet'``).
"""

from mmtrack.registry import MODELS

from .losses import HardTripletLoss
from .trackers import IoUCosineTracker
from .tracking_heads import HardTripletEmbedHead

for part in (HardTripletEmbedHead, HardTripletLoss, IoUCosineTracker):
    MODELS.register_module(module=part)

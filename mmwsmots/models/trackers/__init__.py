# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .iou_cosine_matcher import IoUCosineMatcher
from .iou_cosine_tracker import IoUCosineTracker

__all__ = ['IoUCosineMatcher', 'IoUCosineTracker']

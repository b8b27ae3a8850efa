# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .iou_cosine_model_tracker import IoUCosineModelTracker
from .iou_cosine_tracker import IoUCosineTracker

__all__ = ['IoUCosineModelTracker', 'IoUCosineTracker']

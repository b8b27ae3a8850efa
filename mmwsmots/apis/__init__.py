# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .inference import init_mots_model, track_video
from .segment_boxes import segment_boxes

__all__ = ['init_mots_model', 'segment_boxes', 'track_video']

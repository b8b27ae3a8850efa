# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .inference import init_mots_model, track_video

__all__ = ['init_mots_model', 'track_video']

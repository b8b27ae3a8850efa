# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .clip_frame_sample import ClipFrameSample

__all__ = ['ClipFrameSample']

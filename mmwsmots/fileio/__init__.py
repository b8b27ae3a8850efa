# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .files import atomic_write, check_existing
from .frame_reader import FrameReader
from .video import VideoWriter

__all__ = ['FrameReader', 'VideoWriter', 'atomic_write', 'check_existing']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .atomic_write import atomic_write
from .video import FrameReader, VideoWriter, write_gif

__all__ = [
    'FrameReader',
    'VideoWriter',
    'atomic_write',
    'write_gif',
]

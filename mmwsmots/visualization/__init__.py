# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .mask_panel import draw_panel, explain_masks
from .mots_visualizer import MOTSVisualizer
from .track_drawer import TrackDrawer, id_color
from .video import FrameReader, VideoWriter, write_gif

__all__ = [
    'FrameReader',
    'MOTSVisualizer',
    'TrackDrawer',
    'VideoWriter',
    'draw_panel',
    'explain_masks',
    'id_color',
    'write_gif',
]

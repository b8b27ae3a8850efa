# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .mask_panel import draw_panel
from .mots_visualizer import MOTSVisualizer
from .track_drawer import TrackDrawer, id_color

__all__ = [
    'MOTSVisualizer',
    'TrackDrawer',
    'draw_panel',
    'id_color',
]

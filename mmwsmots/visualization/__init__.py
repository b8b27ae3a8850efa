# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .curves import Curve, choose_keys, plot_curves, read_curves, smooth
from .mask_panel import draw_panel
from .mots_visualizer import MOTSVisualizer
from .track_drawer import TrackDrawer, id_color

__all__ = [
    'Curve',
    'MOTSVisualizer',
    'TrackDrawer',
    'choose_keys',
    'draw_panel',
    'id_color',
    'plot_curves',
    'read_curves',
    'smooth',
]

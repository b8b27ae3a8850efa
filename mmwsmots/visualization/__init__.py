# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .curves import Curve, choose_keys, plot_curves, read_curves, smooth
from .error_charts import plot_errors, plot_scores
from .error_frame import ERROR_COLORS, draw_errors
from .mask_panel import draw_panel, explain_masks
from .mots_visualizer import MOTSVisualizer
from .track_drawer import TrackDrawer, id_color

__all__ = [
    'ERROR_COLORS',
    'Curve',
    'MOTSVisualizer',
    'TrackDrawer',
    'choose_keys',
    'draw_errors',
    'draw_panel',
    'explain_masks',
    'id_color',
    'plot_curves',
    'plot_errors',
    'plot_scores',
    'read_curves',
    'smooth',
]

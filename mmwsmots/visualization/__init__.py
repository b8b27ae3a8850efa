# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .mots_visualizer import MOTSVisualizer
from .track_drawer import TrackDrawer, id_color

__all__ = ['MOTSVisualizer', 'TrackDrawer', 'id_color']

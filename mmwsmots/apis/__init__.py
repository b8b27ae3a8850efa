# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .inference import init_mots_model
from .read_ahead import read_ahead
from .segment_boxes import segment_boxes
from .track_journal import TrackJournal
from .video_tracker import VideoTracker

__all__ = [
    'TrackJournal',
    'VideoTracker',
    'init_mots_model',
    'read_ahead',
    'segment_boxes',
]

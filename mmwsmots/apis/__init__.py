# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .box_labeler import BoxLabeler, FrameLabels, Problem
from .explain_masks import explain_masks
from .inference import frame_batch, init_mots_model
from .label_files import LabelFiles
from .model_classes import (
    adopt_classes,
    check_num_classes,
    check_resumed_classes,
    config_classes,
    registered_type,
    set_classes,
)
from .read_ahead import read_ahead
from .segment_boxes import segment_boxes, segment_instances
from .track_journal import TrackJournal
from .train_on_boxes import train_on_boxes
from .video_tracker import VideoTracker

__all__ = [
    'BoxLabeler',
    'FrameLabels',
    'LabelFiles',
    'Problem',
    'TrackJournal',
    'VideoTracker',
    'adopt_classes',
    'check_num_classes',
    'check_resumed_classes',
    'config_classes',
    'explain_masks',
    'frame_batch',
    'init_mots_model',
    'read_ahead',
    'registered_type',
    'segment_boxes',
    'segment_instances',
    'set_classes',
    'train_on_boxes',
]

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before mmdet's data sets are imported

from .adapt_box_masker import adapt_box_masker
from .box_labeler import BoxLabeler, FrameLabels, Problem
from .inference import (
    describes,
    frame_batch,
    init_box_masker,
    init_mots_model,
    load_weights,
    released_masker,
)
from .label_dataset import label_dataset
from .model_classes import (
    adopt_classes,
    check_num_classes,
    check_resumed_classes,
    config_classes,
    registered_type,
    set_classes,
)
from .mots_inferencer import MOTSInferencer
from .read_ahead import read_ahead
from .segment_boxes import segment_boxes, segment_instances
from .to_supervision import to_supervision
from .track_boxes import track_boxes
from .track_journal import TrackJournal
from .train_on_boxes import train_on_boxes
from .video_tracker import VideoTracker

__all__ = [
    'BoxLabeler',
    'FrameLabels',
    'MOTSInferencer',
    'Problem',
    'TrackJournal',
    'VideoTracker',
    'adapt_box_masker',
    'adopt_classes',
    'check_num_classes',
    'check_resumed_classes',
    'config_classes',
    'describes',
    'frame_batch',
    'init_box_masker',
    'init_mots_model',
    'label_dataset',
    'load_weights',
    'read_ahead',
    'registered_type',
    'released_masker',
    'segment_boxes',
    'segment_instances',
    'set_classes',
    'to_supervision',
    'track_boxes',
    'train_on_boxes',
]

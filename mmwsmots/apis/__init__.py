# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before mmdet's data sets are imported

from .adapt_box_masker import adapt_box_masker, label_dataset
from .box_labeler import BoxLabeler
from .inference import (
    init_box_masker,
    init_mots_model,
    released_masker,
    segment_boxes,
    segment_instances,
)
from .model_classes import set_classes
from .mots_inferencer import MOTSInferencer, to_supervision
from .video_tracker import VideoTracker, read_ahead

__all__ = [
    'BoxLabeler',
    'MOTSInferencer',
    'VideoTracker',
    'adapt_box_masker',
    'init_box_masker',
    'init_mots_model',
    'label_dataset',
    'read_ahead',
    'released_masker',
    'segment_boxes',
    'segment_instances',
    'set_classes',
    'to_supervision',
]

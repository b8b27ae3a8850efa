# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .cocovid import read_cocovid
from .cvat_video import read_cvat_video
from .kitti_tracking import read_kitti_tracking
from .mot_challenge import read_mot_challenge
from .read_boxes import FORMATS, detect_format, read_boxes
from .select_classes import select_classes
from .tracked_box import TrackedBox

__all__ = [
    'FORMATS',
    'TrackedBox',
    'detect_format',
    'read_boxes',
    'read_cocovid',
    'read_cvat_video',
    'read_kitti_tracking',
    'read_mot_challenge',
    'select_classes',
]

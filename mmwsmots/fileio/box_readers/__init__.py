# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .box_file import BoxFile, Numbering, Picture
from .cocovid import read_cocovid
from .cvat import read_cvat
from .detect_format import detect_format
from .kitti_tracking import read_kitti_tracking
from .label_studio import read_label_studio
from .mot_challenge import read_mot_challenge
from .mots_png import read_mots_png_boxes
from .place_boxes import place_boxes
from .read_boxes import FORMATS, read_boxes
from .select_classes import select_classes
from .tracked_box import TrackedBox
from .youtube_vis import read_youtube_vis

__all__ = [
    'FORMATS',
    'BoxFile',
    'Numbering',
    'Picture',
    'TrackedBox',
    'detect_format',
    'place_boxes',
    'read_boxes',
    'read_cocovid',
    'read_cvat',
    'read_kitti_tracking',
    'read_label_studio',
    'read_mot_challenge',
    'read_mots_png_boxes',
    'read_youtube_vis',
    'select_classes',
]

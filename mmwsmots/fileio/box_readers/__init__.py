# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .box_file import BoxFile, Numbering, Picture, TrackedBox, select_classes
from .place_boxes import place_boxes
from .read_boxes import FORMATS, WITHOUT_VIDEO_NAMES, detect_format, read_boxes

__all__ = [
    'FORMATS',
    'WITHOUT_VIDEO_NAMES',
    'BoxFile',
    'Numbering',
    'Picture',
    'TrackedBox',
    'detect_format',
    'place_boxes',
    'read_boxes',
    'select_classes',
]

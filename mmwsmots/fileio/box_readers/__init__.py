# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .box_file import BoxFile, Numbering, Picture
from .detect_format import detect_format
from .place_boxes import place_boxes
from .read_boxes import FORMATS, read_boxes
from .select_classes import select_classes
from .tracked_box import TrackedBox

__all__ = [
    'FORMATS',
    'BoxFile',
    'Numbering',
    'Picture',
    'TrackedBox',
    'detect_format',
    'place_boxes',
    'read_boxes',
    'select_classes',
]

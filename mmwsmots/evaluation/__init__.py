# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .filled_boxes import filled_boxes
from .frame_errors import FrameErrors, Match, find_errors
from .metrics import DumpMaskLabels, MOTSMetric, SaveDetections
from .mots_eval import (
    evaluate_filled_boxes,
    evaluate_mots,
    evaluate_sequences,
)
from .tables import format_sequences, format_table

__all__ = [
    'DumpMaskLabels',
    'FrameErrors',
    'MOTSMetric',
    'Match',
    'SaveDetections',
    'evaluate_filled_boxes',
    'evaluate_mots',
    'evaluate_sequences',
    'filled_boxes',
    'find_errors',
    'format_sequences',
    'format_table',
]

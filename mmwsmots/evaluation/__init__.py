# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before mmdet's data sets are imported

from .filled_boxes import filled_boxes
from .metrics import DumpMaskLabels, MOTSMetric, SaveDetections
from .mots_eval import (
    evaluate_filled_boxes,
    evaluate_mots,
    evaluate_sequences,
)
from .tables import format_table

__all__ = [
    'DumpMaskLabels',
    'MOTSMetric',
    'SaveDetections',
    'evaluate_filled_boxes',
    'evaluate_mots',
    'evaluate_sequences',
    'filled_boxes',
    'format_table',
]

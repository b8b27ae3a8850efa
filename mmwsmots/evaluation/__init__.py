# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .filled_boxes import filled_boxes
from .metrics import MOTSMetric, SaveDetections
from .mots_eval import evaluate_mots, format_table

__all__ = [
    'MOTSMetric',
    'SaveDetections',
    'evaluate_mots',
    'filled_boxes',
    'format_table',
]

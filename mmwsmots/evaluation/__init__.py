# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .filled_boxes import filled_boxes
from .mots_eval import evaluate_filled_boxes, evaluate_mots, evaluate_sequences
from .tables import format_table

__all__ = [
    'evaluate_filled_boxes',
    'evaluate_mots',
    'evaluate_sequences',
    'filled_boxes',
    'format_table',
]

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .mots_eval import evaluate_mots, evaluate_sequences, filled_boxes, format_table

__all__ = ['evaluate_mots', 'evaluate_sequences', 'filled_boxes', 'format_table']

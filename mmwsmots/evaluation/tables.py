# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Metrics as text tables."""

import json
import math
from collections.abc import Mapping

from terminaltables import AsciiTable

# How tables write the metrics, and what they call them.
FORMATS = dict(
    sMOTSA='.2f',
    MOTSA='.2f',
    MOTSP='.2f',
    IDS='d',
    HOTA='.2f',
    IDF1='.2f',
    share_above_half='.3f',
    foreground_ratio='.3f',
)
TITLES = dict(share_above_half='share > 0.5', foreground_ratio='area / box')
COUNT_KEYS = ('TP', 'FP', 'FN', 'IDS')


def format_table(rows: Mapping[str, dict[str, dict[str, float]]]) -> str:
    """Table, class by class, of named results of :func:`evaluate_mots`."""
    table = [['class', 'masks', *(TITLES.get(key, key) for key in FORMATS)]]
    absent = {}
    for class_name in next(iter(rows.values())):
        for name, row in rows.items():
            values = row[class_name]
            cells = [format_value(values[key], spec) for key, spec in FORMATS.items()]
            table.append([class_name, name, *cells])
            if not values['TP'] + values['FN']:
                absent[class_name] = None
    note = f'\nno true objects of {", ".join(absent)}, hence no scores'
    return AsciiTable(table).table + (note if absent else '')


def format_value(value: float, spec: str) -> str:
    """A metric as text, '-' where there is none."""
    return '-' if math.isnan(value) else format(value, spec)


def format_json(content: object) -> str:
    """Metrics as JSON, ``null`` where there is none: JSON knows no nan."""
    text = json.dumps(content)
    plain = json.loads(text, parse_constant=lambda _: None)
    return json.dumps(plain, indent=2) + '\n'

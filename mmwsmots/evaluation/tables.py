# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Metrics as text tables."""

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
    """Table of results, class by class.

    Args:
        rows (Mapping[str, dict]): For each name of a row what
            :func:`evaluate_mots` returned.

    Returns:
        str: The table.
    """
    table = [['class', 'masks', *(TITLES.get(key, key) for key in FORMATS)]]
    for class_name in next(iter(rows.values())):
        for name, row in rows.items():
            values = row[class_name]
            cells = [format(values[key], spec) for key, spec in FORMATS.items()]
            table.append([class_name, name, *cells])
    return AsciiTable(table).table


def sequence_rows(
    together: dict[str, dict],
    sequences: Mapping[str, dict[str, dict]],
    class_name: str,
    sort_by: str | None = None,
) -> list[tuple[str, dict[str, str]]]:
    """Formatted metrics of a class, sequence by sequence.

    Args:
        together (dict[str, dict]): Of all sequences, from
            :func:`evaluate_sequences`.
        sequences (Mapping[str, dict[str, dict]]): Of each, from the same.
        class_name (str): One of the classes.
        sort_by (str, optional): Metric; the sequence with the lowest comes first,
            and those without objects of the class last.

    Returns:
        list[tuple[str, dict[str, str]]]: Name of the sequence and its cells by
        metric; 'all' is the last. Without ground truth a score is '-'.

    Raises:
        ValueError: If there is no such metric.
    """
    if sort_by is not None and sort_by not in (*FORMATS, *COUNT_KEYS):
        raise ValueError(f'cannot sort by {sort_by!r}, only by {list(FORMATS)}')
    named = [(name, row[class_name]) for name, row in sequences.items()]
    if sort_by is not None:
        named.sort(key=lambda item: (_is_absent(item[1]), item[1][sort_by]))
    rows = []
    for name, values in [*named, ('all', together[class_name])]:
        cells = {}
        for key, spec in {**FORMATS, **dict.fromkeys(COUNT_KEYS, 'd')}.items():
            is_score = key not in COUNT_KEYS
            absent = is_score and _is_absent(values)
            cells[key] = '-' if absent else format(values[key], spec)
        rows.append((name, cells))
    return rows


def format_sequences(
    together: dict[str, dict],
    sequences: Mapping[str, dict[str, dict]],
    sort_by: str | None = None,
) -> str:
    """Tables of the classes, sequence by sequence.

    Args:
        together (dict[str, dict]): See :func:`sequence_rows`.
        sequences (Mapping[str, dict[str, dict]]): See :func:`sequence_rows`.
        sort_by (str, optional): See :func:`sequence_rows`.

    Returns:
        str: A table of each class.
    """
    tables = []
    for class_name in together:
        rows = sequence_rows(together, sequences, class_name, sort_by)
        header = [class_name, *(TITLES.get(key, key) for key in rows[0][1])]
        table = AsciiTable([header, *([name, *row.values()] for name, row in rows)])
        table.inner_footing_row_border = True
        tables.append(table.table)
    return '\n'.join(tables)


def _is_absent(values: dict[str, float]) -> bool:
    """Whether there was nothing to find."""
    return values['TP'] + values['FN'] == 0

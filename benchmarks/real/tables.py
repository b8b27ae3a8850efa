# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The table of a run: by part of the data, class and size."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from .measures import SIZES, Score, size_name, summarize

MIN_OBJECTS = 20  # of a class with a row of its own
SIZED = ('all', 'car', 'person', 'pedestrian')  # rows with the sizes below them
COLUMNS = dict(
    objects='objects',
    iou='mean IoU',
    median_iou='median IoU',
    motsp='MOTSP',
    share='share > 0.5',
    boundary='boundary IoU',
    ratio='area / box',
    true_ratio='true area / box',
    filled_iou='filled IoU',
    filled_motsp='filled MOTSP',
    filled_share='filled share',
    filled_boundary='filled boundary',
    paired_motsp='paired MOTSP',
)


def table_rows(scores: Sequence[Score]) -> list[dict]:
    """Rows of the table.

    Args:
        scores (Sequence[Score]): Of all objects of a run.

    Returns:
        list[dict]: For each group of the scores a row 'all', one for each class with
        at least 20 objects, the most frequent first, and one for the others
        together; below 'all', cars and people a row for each size. ``group``,
        ``label``, ``size`` say which, the rest is of :func:`summarize`.
    """
    groups = defaultdict(list)
    for score in scores:
        groups[score.group].append(score)
    rows = []
    for group, members in groups.items():
        for label, kind in _classes(members).items():
            rows.append(dict(group=group, label=label, size='all', **summarize(kind)))
            if label not in SIZED or np.isnan([score.area for score in kind]).all():
                continue
            for size in SIZES:
                sized = [score for score in kind if _size(score) == size]
                if sized:
                    row = summarize(sized)
                    rows.append(dict(group=group, label=label, size=size, **row))
    return rows


def _classes(scores: list[Score]) -> dict[str, list[Score]]:
    by_label = defaultdict(list)
    for score in scores:
        by_label[score.label].append(score)
    if len(by_label) == 1:
        return dict(by_label)
    classes, others = {'all': scores}, []
    for label, members in sorted(by_label.items(), key=lambda item: -len(item[1])):
        # A street scene has two classes, both of interest however few they are.
        if len(members) >= MIN_OBJECTS or label in SIZED:
            classes[label] = members
        else:
            others += members
    if others:
        classes['others'] = others
    return classes


def _size(score: Score) -> str | None:
    return None if np.isnan(score.area) else size_name(score.area)


def format_rows(rows: Sequence[dict]) -> list[str]:
    """Lines of a Markdown table, see :func:`table_rows`."""
    lines = [
        '| data | class | size | ' + ' | '.join(COLUMNS.values()) + ' |',
        '|---' * (3 + len(COLUMNS)) + '|',
    ]
    for row in rows:
        cells = [row['group'], row['label'], row['size'], str(row['objects'])]
        for key in list(COLUMNS)[1:]:
            cells.append('' if np.isnan(row[key]) else format(row[key], '.3f'))
        lines.append('| ' + ' | '.join(cells) + ' |')
    return lines

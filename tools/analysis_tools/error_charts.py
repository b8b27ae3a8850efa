# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Charts of an evaluation: errors over time, and scores of the sequences."""

from collections.abc import Mapping, Sequence

import numpy as np
from error_frame import ERROR_COLORS
from frame_errors import FrameErrors
from matplotlib.figure import Figure

LOWEST = -100  # of a score's axis; a few false positives reach any negative number
FONT_SIZE = 8
MAX_COLUMNS = 4  # of classes


def plot_errors(sequences: Mapping[str, Sequence[FrameErrors]]) -> Figure:
    """Draw the numbers of errors over the frames, one row per sequence.

    Args:
        sequences (Mapping[str, Sequence[FrameErrors]]): Errors of each frame.

    Returns:
        Figure: FN and FP stacked, and a mark at each frame with identity switches.
    """
    figure = Figure(figsize=(10, 0.9 * len(sequences) + 0.7), layout='constrained')
    axes = figure.subplots(len(sequences), 1, squeeze=False)[:, 0]
    for axis, (name, frames) in zip(axes, sequences.items()):
        counts = [frame.count() for frame in frames]
        numbers = np.arange(len(counts))
        kinds = ('FN', 'FP')
        areas = axis.stackplot(
            numbers,
            *([count[kind] for count in counts] for kind in kinds),
            colors=[_rgb(kind) for kind in kinds],
            step='mid',
        )
        switches = [t for t in numbers if counts[t]['IDS']]
        (marks,) = axis.plot(
            switches,
            [counts[t]['FN'] + counts[t]['FP'] for t in switches],
            'v',
            color=_rgb('IDS'),
            markeredgecolor='black',
            markeredgewidth=0.5,
            markersize=6,
            clip_on=False,
        )
        axis.set_ylabel(name, fontsize=FONT_SIZE, rotation=0, ha='right', va='center')
        axis.set_xlim(-0.5, max(len(counts) - 0.5, 0.5))
        axis.set_ylim(0, max([1, *(c['FN'] + c['FP'] for c in counts)]) * 1.15)
        axis.tick_params(labelsize=FONT_SIZE - 1)
        axis.locator_params(axis='y', nbins=3, integer=True)
        axis.spines[['top', 'right']].set_visible(False)
    axes[-1].set_xlabel('frame', fontsize=FONT_SIZE)
    figure.legend(
        [*areas, marks],
        ['missed (FN)', 'false (FP)', 'identity switch (IDS)'],
        loc='outside upper right',
        ncols=3,
        fontsize=FONT_SIZE,
        frameon=False,
    )
    return figure


def plot_scores(
    rows: Mapping[str, Mapping[str, dict[str, dict]]], metric: str = 'sMOTSA'
) -> Figure:
    """Draw a metric of the sequences as bars, one picture per class.

    Args:
        rows (Mapping[str, Mapping[str, dict[str, dict]]]): For each name of the
            legend the sequences' metrics, from
            :func:`mmwsmots.evaluation.evaluate_sequences`.
        metric (str): Which one, in percent. Defaults to 'sMOTSA'.

    Returns:
        Figure: Sequences without objects of a class have no bar; a bar below -100
        is cut off.
    """
    first = next(iter(rows.values()))
    classes = list(next(iter(first.values())))
    num_columns = min(len(classes), MAX_COLUMNS)
    num_rows = -(-len(classes) // num_columns)
    size = 10, (0.32 * len(first) + 0.6) * num_rows + 0.5
    figure = Figure(figsize=size, layout='constrained')
    axes = figure.subplots(num_rows, num_columns, sharey=True, squeeze=False).flatten()
    for axis in axes[len(classes) :]:
        axis.set_axis_off()
    places = np.arange(len(first))
    height = 0.8 / len(rows)
    colors = ('C0', '0.7', 'C1', 'C2')
    for axis, class_name in zip(axes, classes):
        for index, (label, sequences) in enumerate(rows.items()):
            values = [row[class_name][metric] for row in sequences.values()]
            axis.barh(
                places + (index - (len(rows) - 1) / 2) * height,
                np.maximum(values, LOWEST),
                height,
                label=label,
                color=colors[index],
            )
        axis.axvline(0, color='black', linewidth=0.8)
        axis.set_title(f'{class_name}: {metric}', fontsize=FONT_SIZE + 2)
        axis.tick_params(labelsize=FONT_SIZE, left=False)
        axis.grid(axis='x', alpha=0.3)
        axis.set_axisbelow(True)
        axis.spines[['top', 'right', 'left']].set_visible(False)
    axes[0].set_yticks(places, list(first))
    axes[0].invert_yaxis()
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc='outside lower center',
        ncols=len(rows),
        fontsize=FONT_SIZE,
        frameon=False,
    )
    return figure


def _rgb(kind: str) -> tuple[float, float, float]:
    """The colour of a kind of error as matplotlib takes it."""
    return tuple(channel / 255 for channel in reversed(ERROR_COLORS[kind]))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Curves of trainings, from the ``scalars.json`` that mmengine writes."""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d

TITLE_SIZE = 10
NO_CURVES = ('iter', 'step', 'epoch')


class Curve(NamedTuple):
    """Values of one key of a training.

    Attributes:
        steps (ndarray): Where they were logged, increasing, (N, ) int64.
        values (ndarray): (N, ) float64.
        unit (str): What the steps count: 'iteration' or 'epoch'.
    """

    steps: np.ndarray
    values: np.ndarray
    unit: str


def read_curves(run: str | Path) -> dict[str, Curve]:
    """Read what a training logged, together with what it logged before a resume.

    Args:
        run (str | Path): A work directory, the folder of one of its runs or a file.
            What a later run of the directory logged replaces what an earlier one
            logged from the same step on.

    Returns:
        dict[str, Curve]: By key, in the order in which they appear.

    Raises:
        FileNotFoundError: If there is no ``scalars.json``.
        ValueError: If a line breaks the format; the message names file and line.
    """
    run = Path(run)
    files = [run] if run.is_file() else []
    for pattern in ('*/vis_data/', 'vis_data/', ''):
        files = files or sorted(run.glob(f'{pattern}scalars.json'))
    if not files:
        raise FileNotFoundError(f'{run}: no scalars.json of a training there')
    points, by_epoch, train_keys = {}, False, set()
    for file in files:
        started = set()
        for number, line in enumerate(_lines(file), 1):
            try:
                record = _parse(line)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f'{file}, line {number}: {error}') from None
            by_epoch |= 'epoch' in record
            for key in (key for key in record if key not in NO_CURVES):
                series = points.setdefault(key, {})
                if key not in started:
                    started.add(key)
                    for step in [s for s in series if s >= record['step']]:
                        del series[step]
                series[record['step']] = record[key]
            if 'iter' in record:
                train_keys |= record.keys()
    if not points:
        raise ValueError(f'{files[-1]}: nothing was logged')
    return {
        key: Curve(
            np.array(list(series), dtype=np.int64),
            np.array(list(series.values()), dtype=np.float64),
            'epoch' if by_epoch and key not in train_keys else 'iteration',
        )
        for key, series in points.items()
    }


def choose_keys(
    runs: Mapping[str, Mapping[str, Curve]], patterns: Sequence[str]
) -> list[str]:
    """Keys that match patterns, in the order of the patterns.

    Args:
        runs (Mapping[str, Mapping[str, Curve]]): Curves of each training.
        patterns (Sequence[str]): Keys, or patterns with ``*``.

    Returns:
        list[str]: The keys.

    Raises:
        ValueError: If nothing matches a pattern.
    """
    known = list(dict.fromkeys(key for run in runs.values() for key in run))
    chosen = {}
    for pattern in patterns:
        matches = [key for key in known if fnmatchcase(key, pattern)]
        if not matches:
            raise ValueError(f'no key matches "{pattern}", there are {sorted(known)}')
        chosen.update(dict.fromkeys(sorted(matches)))
    return list(chosen)


def smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean of neighbouring values, which unlike a running one does not lag.

    Values that are not finite are left out of the means and stay as they are.

    Args:
        values (ndarray): (N, ).
        sigma (float): Standard deviation in values, not in steps; 0 changes nothing.

    Returns:
        ndarray: (N, ) float64.

    Raises:
        ValueError: If ``sigma`` is negative.
    """
    if not sigma >= 0:
        raise ValueError(f'the smoothing must not be negative, got {sigma}')
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    if sigma == 0 or not finite.any():
        return values.copy()
    sums = gaussian_filter1d(np.where(finite, values, 0), sigma, mode='constant')
    weights = gaussian_filter1d(finite.astype(float), sigma, mode='constant')
    return np.divide(sums, weights, out=values.copy(), where=finite)


def plot_curves(
    runs: Mapping[str, Mapping[str, Curve]],
    keys: Sequence[str],
    smoothing: float = 0.0,
) -> Figure:
    """Draw trainings over each other, one picture per key.

    Args:
        runs (Mapping[str, Mapping[str, Curve]]): Curves of each training, by the name
            that the legend gives it.
        keys (Sequence[str]): What to draw; a training without a key is left out of
            its picture.
        smoothing (float): See :func:`smooth`; the raw curve stays as a shadow.

    Returns:
        Figure: To be saved.
    """
    columns = min(len(keys), 3)
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.7 * rows + 0.5), layout='constrained')
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    lines = {}
    for axis, key in zip(axes, keys):
        for index, (name, run) in enumerate(runs.items()):
            if key not in run:
                continue
            steps, values, unit = run[key]
            style = dict(color=f'C{index % 10}', marker='o' * (len(steps) == 1))
            if smoothing > 0:
                axis.plot(steps, values, **style, alpha=0.25, linewidth=1)
            (lines[name],) = axis.plot(
                steps, smooth(values, smoothing), **style, linewidth=1.6
            )
            axis.set_xlabel(unit, fontsize=TITLE_SIZE - 2)
        axis.set_title(key, fontsize=TITLE_SIZE)
        axis.tick_params(labelsize=TITLE_SIZE - 2)
        axis.grid(alpha=0.3)
        axis.spines[['top', 'right']].set_visible(False)
    for axis in axes[len(keys) :]:
        axis.set_visible(False)
    if len(runs) > 1:
        figure.legend(
            lines.values(),
            lines,
            loc='outside lower center',
            ncols=min(len(runs), 4),
            fontsize=TITLE_SIZE - 1,
            frameon=False,
        )
    return figure


def _lines(file: Path) -> list[str]:
    """Lines of a file without the last one if it is still being written."""
    lines = file.read_text(encoding='utf-8', errors='replace').splitlines(True)
    if lines and not lines[-1].endswith('\n'):
        lines.pop()
    return lines


def _parse(line: str) -> dict[str, float]:
    """The numbers of a line; what else a hook may have logged is left out."""
    record = json.loads(line)
    if not isinstance(record, dict) or not isinstance(record.get('step'), int):
        raise ValueError('expected an object with the integer "step"')
    return {
        key: value
        for key, value in record.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }

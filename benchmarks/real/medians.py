# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Put runs that differ in their seed into one table of medians.

python -m benchmarks.real.medians OUT0 OUT1 OUT2
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.common import report

from .tables import COLUMNS, format_rows

NAMES = ('group', 'label', 'size', 'objects')  # what runs of the same data share


def median_rows(paths: Sequence[Path]) -> list[dict]:
    """Rows of the medians of several runs.

    Args:
        paths (Sequence[Path]): Their ``rows.json``.

    Returns:
        list[dict]: See :func:`table_rows`; a run in which a value is nan, as MOTSP
        where nothing is found, does not count for it.

    Raises:
        ValueError: If the runs are of different data.
    """
    tables = [json.loads(path.read_text()) for path in paths]
    names = [[tuple(row[key] for key in NAMES) for row in table] for table in tables]
    for path, other in zip(paths, names):
        if other != names[0]:
            raise ValueError(f'{path}: other objects than those of {paths[0]}')
    rows = []
    for same in zip(*tables):
        row = {key: same[0][key] for key in NAMES}
        for key in COLUMNS.keys() - row.keys():
            known = [other[key] for other in same if not np.isnan(other[key])]
            row[key] = float(np.median(known)) if known else np.nan
        rows.append(row)
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.real.medians',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('runs', nargs='+', type=Path, help='their folders OUT')
    parser.add_argument('--table', type=Path, help='Markdown file to write')
    args = parser.parse_args(argv)
    try:
        rows = median_rows([run / 'rows.json' for run in args.runs])
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    heads = [(run / 'table.md').read_text().splitlines()[0] for run in args.runs]
    lines = [f'Medians of {len(heads)} runs:', '', *(f'- {head}' for head in heads)]
    report([*lines, '', *format_rows(rows)], args.table)


if __name__ == '__main__':
    main()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Table of the metrics, sequence by sequence.

    python tools/analysis_tools/sequence_table.py --gt data/kitti_mots/instances_txt \
        --results work_dirs/run/results --seqmap val.seqmap

One table per class; the last row is all sequences together, which is not the mean of
the others. A sequence without objects of the class has no scores.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from evaluation_options import (
    add_evaluation_options,
    evaluation_rules,
    find_lengths,
    parse_evaluation_args,
)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_evaluation_options(parser)
    parser.add_argument(
        '--sort',
        help='metric to sort the sequences by, the worst first (default: as in the '
        'seqmap)',
    )
    parser.add_argument('--csv', type=Path, help='file to write the numbers to')
    return parse_evaluation_args(parser, argv)


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from terminaltables import AsciiTable

from mmwsmots.evaluation import evaluate_sequences
from mmwsmots.evaluation.mots_eval import FORMATS, TITLES, format_value
from mmwsmots.fileio import atomic_write, check_existing

COUNT_KEYS = ('TP', 'FP', 'FN', 'IDS')


def write_csv(path: Path, rows: dict[str, dict]) -> None:
    """Write a line per sequence and class."""
    with atomic_write(path) as temp, temp.open('w', newline='') as file:
        writer = None
        for seq, row in rows.items():
            for class_name, values in row.items():
                line = {'sequence': seq, 'class': class_name, **values}
                if writer is None:
                    writer = csv.DictWriter(file, line)
                    writer.writeheader()
                writer.writerow(line)


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
        absent = {name for name, row in named if not row['TP'] + row['FN']}
        named.sort(key=lambda item: (item[0] in absent, item[1][sort_by]))
    rows = []
    for name, values in [*named, ('all', together[class_name])]:
        cells = {}
        for key, spec in {**FORMATS, **dict.fromkeys(COUNT_KEYS, 'd')}.items():
            cells[key] = format_value(values[key], spec)
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


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate, print the tables, write the CSV file."""
    args = parse_args(argv)
    try:
        if args.csv:
            check_existing([args.csv], overwrite=args.overwrite)
        lengths = find_lengths(args)
        together, rows = evaluate_sequences(
            args.gt,
            args.results,
            lengths,
            **evaluation_rules(args),
        )
        print(format_sequences(together, rows, args.sort))
        if args.csv:
            write_csv(args.csv, {**rows, 'all': together})
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()

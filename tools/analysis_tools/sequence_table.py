# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Table of the metrics, sequence by sequence.

    python tools/analysis_tools/sequence_table.py --gt data/kitti_mots/instances_txt \
        --results work_dirs/run/results --seqmap val.seqmap

One table per class; the last row is all sequences together, which is not the mean of
the others. A sequence without objects of the class has no scores.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from evaluation_options import (
    add_evaluation_options,
    evaluation_rules,
    find_lengths,
    parse_evaluation_args,
)

from mmwsmots.evaluation import evaluate_sequences, format_sequences
from mmwsmots.fileio import atomic_write


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


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate, print the tables, write the CSV file."""
    args = parse_args(argv)
    try:
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

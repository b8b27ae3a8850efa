# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Evaluate MOTS text files with TrackEval: KITTI MOTS, MOTS20, or any classes."""

import argparse
from pathlib import Path

from evaluation_options import (
    add_evaluation_options,
    evaluate_filled_boxes,
    evaluation_rules,
    find_lengths,
    format_json,
    parse_evaluation_args,
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_evaluation_options(parser)
    parser.add_argument(
        '--filled-boxes',
        action='store_true',
        help='add a row with each mask of the results replaced by its tight box, '
        'made disjoint with the lower bottom edge in front',
    )
    parser.add_argument('--json', type=Path, help='file to write the numbers to')
    return parse_evaluation_args(parser)


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

from mmwsmots.evaluation import evaluate_mots, format_table
from mmwsmots.fileio import atomic_write, check_existing


def main() -> None:
    """Evaluate, print the table, write the JSON file."""
    args = parse_args()
    try:
        if args.json:
            check_existing([args.json], overwrite=args.overwrite)
        files = args.gt, args.results, find_lengths(args)
        rules = evaluation_rules(args)
        rows = {'results': evaluate_mots(*files, **rules)}
        if args.filled_boxes:
            rows['filled boxes'], _ = evaluate_filled_boxes(*files, **rules)
        print(format_table(rows))
        if args.json:
            with atomic_write(args.json) as temp:
                temp.write_text(format_json(rows))
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()

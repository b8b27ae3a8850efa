# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Evaluate KITTI MOTS text files with TrackEval."""

import argparse
import json
from pathlib import Path

from mmwsmots.datasets.mots_io import read_seqmap
from mmwsmots.evaluation import evaluate_filled_boxes, evaluate_mots, format_table
from mmwsmots.evaluation.sequence_pairs import IOU_THRESHOLDS
from mmwsmots.utils import replacing


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--gt', type=Path, required=True, help='folder of ground truth SSSS.txt'
    )
    parser.add_argument(
        '--results', type=Path, required=True, help='folder of results SSSS.txt'
    )
    parser.add_argument(
        '--seqmap',
        type=Path,
        required=True,
        help='sequences to evaluate: lines "SSSS empty 000000 last_frame"',
    )
    parser.add_argument(
        '--filled-boxes',
        action='store_true',
        help='add a row with each mask of the results replaced by its tight box, '
        'made disjoint with the lower bottom edge in front',
    )
    parser.add_argument(
        '--protocol',
        choices=list(IOU_THRESHOLDS),
        default='trackeval',
        help='a match needs IoU >= 0.5 (trackeval) or > 0.5 (mots_tools)',
    )
    parser.add_argument('--json', type=Path, help='file to write the numbers to')
    return parser.parse_args()


def main() -> None:
    """Evaluate, print the table, write the JSON file."""
    args = parse_args()
    try:
        lengths = read_seqmap(args.seqmap)
        rows = {
            'results': evaluate_mots(
                args.gt, args.results, lengths, protocol=args.protocol
            )
        }
        if args.filled_boxes:
            rows['filled boxes'], _ = evaluate_filled_boxes(
                args.gt, args.results, lengths, args.protocol
            )
        print(format_table(rows))
        if args.json:
            with replacing(args.json) as temp:
                temp.write_text(json.dumps(rows, indent=2) + '\n')
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()

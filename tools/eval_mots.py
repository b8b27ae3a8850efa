# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Evaluate KITTI MOTS or MOTS20 text files with TrackEval."""

import argparse
import json
from pathlib import Path

from mmwsmots.datasets.mots_io import read_seqmap
from mmwsmots.datasets.mots_sequence import read_seqinfo
from mmwsmots.evaluation import evaluate_filled_boxes, evaluate_mots, format_table
from mmwsmots.evaluation.benchmarks import BENCHMARKS
from mmwsmots.evaluation.sequence_pairs import IOU_THRESHOLDS
from mmwsmots.utils import replacing


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--gt',
        type=Path,
        required=True,
        help='folder of ground truth: SSSS.txt, or SSSS/gt/gt.txt of mots20',
    )
    parser.add_argument(
        '--results', type=Path, required=True, help='folder of results SSSS.txt'
    )
    parser.add_argument(
        '--seqmap',
        type=Path,
        help='sequences to evaluate: lines "SSSS empty 000000 last_frame", from 0 on; '
        'mots20 does without: all sequences of --gt, as long as seqinfo.ini says',
    )
    parser.add_argument(
        '--benchmark',
        choices=list(BENCHMARKS),
        default='kitti_mots',
        help='mots20: pedestrians only, frames from 1',
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
    args = parser.parse_args()
    if args.seqmap is None and args.benchmark == 'kitti_mots':
        parser.error('kitti_mots needs --seqmap')
    return args


def find_lengths(args: argparse.Namespace) -> dict[str, int]:
    """Number of frames of each sequence to evaluate."""
    if args.seqmap:
        return read_seqmap(args.seqmap)
    paths = sorted(args.gt.glob('*/seqinfo.ini'))
    if not paths:
        raise FileNotFoundError(f'{args.gt}: no sequence with a seqinfo.ini')
    return {path.parent.name: read_seqinfo(path).length for path in paths}


def main() -> None:
    """Evaluate, print the table, write the JSON file."""
    args = parse_args()
    try:
        files = args.gt, args.results, find_lengths(args)
        rules = dict(protocol=args.protocol, benchmark=args.benchmark)
        rows = {'results': evaluate_mots(*files, **rules)}
        if args.filled_boxes:
            rows['filled boxes'], _ = evaluate_filled_boxes(*files, **rules)
        print(format_table(rows))
        if args.json:
            with replacing(args.json) as temp:
                temp.write_text(json.dumps(rows, indent=2) + '\n')
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()

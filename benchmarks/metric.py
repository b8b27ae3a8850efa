# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Time of the evaluation against TrackEval's own on the KITTI MOTS val split.

Results are made of the ground truth: masks eroded, a tenth lost, identities switched.
Both read the same files and must give the same numbers. TrackEval computes the same
three metrics (HOTA, CLEAR, Identity) and neither prints nor draws. Times are medians
of alternating rounds.

Example:
    taskset -c 1 python benchmarks/metric.py shared/data/kitti_mots
"""

import argparse
import contextlib
import io
import tempfile
import time
from pathlib import Path

from common import heading, report

import cv2
import numpy as np
import trackeval

from mmwsmots.evaluation import evaluate_mots
from mmwsmots.fileio.mots_txt import (
    MOTSObject,
    read_mots_txt,
    read_seqmap,
    write_mots_txt,
)
from mmwsmots.fileio.rle import mask_to_rle


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('root', type=Path, help='with instances_txt and seqmaps')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def damage(objects: list[MOTSObject], rng: np.random.Generator) -> list[MOTSObject]:
    """Results as a tracker makes them."""
    results = []
    for obj in objects:
        if obj.class_id == 10 or rng.random() < 0.1:
            continue
        size = int(rng.integers(1, 8))
        mask = cv2.erode(obj.mask.astype(np.uint8), np.ones((size, size), np.uint8))
        track_id = obj.track_id + (500 if obj.frame_id % 30 > 24 else 0)
        results.append(obj._replace(track_id=track_id, rle=mask_to_rle(mask)))
    return results


def run_trackeval(gt: Path, results: Path, lengths: dict[str, int]) -> dict:
    """TrackEval's own numbers of each class, under our names."""
    config = dict(
        GT_FOLDER=str(gt),
        GT_LOC_FORMAT='{gt_folder}/{seq}.txt',
        TRACKERS_FOLDER=str(results.parent),
        TRACKERS_TO_EVAL=[results.name],
        TRACKER_SUB_FOLDER='',
        SEQ_INFO=lengths,
    )
    quiet = dict(
        PRINT_RESULTS=False,
        PRINT_CONFIG=False,
        TIME_PROGRESS=False,
        OUTPUT_SUMMARY=False,
        OUTPUT_DETAILED=False,
        PLOT_CURVES=False,
    )
    metrics = trackeval.metrics
    with contextlib.redirect_stdout(io.StringIO()):
        output, _ = trackeval.Evaluator(quiet).evaluate(
            [trackeval.datasets.KittiMOTS(config)],
            [metrics.HOTA(), metrics.CLEAR(), metrics.Identity()],
        )
    numbers = {}
    for name, values in output['KittiMOTS'][results.name]['COMBINED_SEQ'].items():
        clear = values['CLEAR']
        numbers[name] = dict(
            sMOTSA=100 * clear['sMOTA'],
            MOTSA=100 * clear['MOTA'],
            MOTSP=100 * clear['MOTP'],
            IDS=clear['IDSW'],
            HOTA=100 * values['HOTA']['HOTA'].mean(),
            IDF1=100 * values['Identity']['IDF1'],
            TP=clear['CLR_TP'],
            FP=clear['CLR_FP'],
            FN=clear['CLR_FN'],
        )
    return numbers


def main() -> None:
    args = parse_args()
    gt = (args.root / 'instances_txt').resolve()
    lengths = read_seqmap(args.root / 'seqmaps' / 'val.seqmap')
    rng = np.random.default_rng(0)
    times = {'TrackEval': [], 'mmwsmots': []}
    with tempfile.TemporaryDirectory() as temp:
        results = Path(temp) / 'results'
        num_objects = 0
        for name in lengths:
            objects = damage(read_mots_txt(gt / f'{name}.txt'), rng)
            num_objects += len(objects)
            write_mots_txt(results / f'{name}.txt', objects)
        for _ in range(args.rounds):
            start = time.perf_counter()
            expected = run_trackeval(gt, results, lengths)
            middle = time.perf_counter()
            scores = evaluate_mots(gt, results, lengths)
            times['TrackEval'].append(middle - start)
            times['mmwsmots'].append(time.perf_counter() - middle)
    for name in scores:
        for key, value in expected[name].items():
            if scores[name][key] != value:
                raise SystemExit(
                    f'{name}/{key}: {scores[name][key]}, TrackEval has {value}'
                )
    seconds = {name: np.median(values) for name, values in times.items()}
    report(
        [
            heading(
                f'{sum(lengths.values())} frames, {num_objects} results, '
                f'{args.rounds} rounds, all numbers equal'
            ),
            '',
            '| evaluation | seconds | ratio |',
            '|---|---|---|',
            *(
                f'| {name} | {value:.2f} | {value / seconds["TrackEval"]:.2f} |'
                for name, value in seconds.items()
            ),
        ],
        args.out,
    )


if __name__ == '__main__':
    main()

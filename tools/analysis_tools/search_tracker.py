# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Search thresholds and the tracker's parameters on saved detections.

Let a test run write them first, on sequences that were held back from training, never
on those that results are reported for:

    python tools/test.py CONFIG CHECKPOINT --cfg-options \
        test_evaluator._delete_=True test_evaluator.type=SaveDetections \
        test_evaluator.out_dir=work_dirs/detections
    python tools/analysis_tools/search_tracker.py work_dirs/detections \
        --gt data/kitti_mots/instances_txt --seqmap held_back.seqmap \
        --match-sim-thr 0 0.1 0.2 --motion none kalman

Tries every combination of the values, without the network. Window and matching
threshold are chosen for each class on its own, because objects of two classes are never
linked.

What the network itself decides, such as the mask threshold, needs a test run for each
value, with its own folder. Several folders are compared:

    for thr in 0.4 0.5 0.6; do
        python tools/test.py CONFIG CHECKPOINT --cfg-options \
            model.detector.test_cfg.rcnn.mask_thr_binary=$thr \
            test_evaluator._delete_=True test_evaluator.type=SaveDetections \
            test_evaluator.out_dir=dets/mask_$thr
    done
    python tools/analysis_tools/search_tracker.py dets/mask_* --gt ... --seqmap ...
"""

import argparse
import itertools
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation_options import BENCHMARKS, format_json

METRICS = ('sMOTSA', 'MOTSA', 'HOTA', 'IDF1')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'detections', type=Path, nargs='+', help='folders of SSSS.jsonl'
    )
    parser.add_argument(
        '--gt', type=Path, required=True, help='folder of ground truth SSSS.txt'
    )
    parser.add_argument(
        '--seqmap',
        type=Path,
        required=True,
        help='sequences to search on: lines "SSSS empty 000000 last_frame"',
    )
    parser.add_argument('--num-frames-retain', type=int, nargs='+', default=[10])
    parser.add_argument('--match-sim-thr', type=float, nargs='+', default=[0.0])
    parser.add_argument(
        '--candidates', nargs='+', choices=['last', 'window'], default=['last']
    )
    parser.add_argument(
        '--motion', nargs='+', choices=['none', 'kalman'], default=['none']
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        nargs='+',
        default=[0.0],
        help='detection thresholds, above that of the saving run',
    )
    parser.add_argument('--benchmark', choices=BENCHMARKS, default='kitti_mots')
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help="the model's classes in their order (default: of the ground truth's "
        "labels.txt, else the benchmark's)",
    )
    parser.add_argument('--metric', choices=METRICS, default='sMOTSA')
    parser.add_argument('--json', type=Path, help='file to write all numbers to')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace the JSON file'
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

from saved_detections import SavedFrame, read_detections
from terminaltables import AsciiTable

from mmwsmots.evaluation import evaluate_mots
from mmwsmots.evaluation.benchmarks import get_benchmark
from mmwsmots.evaluation.mots_eval import format_value
from mmwsmots.fileio import atomic_write, check_existing
from mmwsmots.fileio.classes import LABELS_FILE, class_numbers, write_labels
from mmwsmots.fileio.mots_track_ids import TrackNumbering
from mmwsmots.fileio.mots_txt import (
    CLASS_IDS,
    MOTSObject,
    read_seqmap,
    write_mots_txt,
)
from mmwsmots.models.trackers import IoUCosineMatcher

COMMON = ('detections', 'candidates', 'motion', 'score_thr')  # to all classes


def track_frames(
    matcher: IoUCosineMatcher,
    frames: list[SavedFrame],
    score_thr: float,
    classes: Sequence[str] = tuple(CLASS_IDS),
) -> Iterator[MOTSObject]:
    """Track the saved detections of a sequence.

    A threshold above that of the saving run gives what the network would: masks give
    way to higher scores only.

    Args:
        matcher (:obj:`IoUCosineMatcher`): Starts the sequence anew.
        frames (list[SavedFrame]): Its frames.
        score_thr (float): Detections need a score above it.
        classes (Sequence[str]): What the labels mean. Defaults to KITTI MOTS'.

    Yields:
        MOTSObject: The lines of the KITTI MOTS text file.
    """
    numbers = class_numbers(classes)
    class_ids = [numbers[name] for name in classes]
    numbering = TrackNumbering()
    for frame in frames:
        kept = (frame.scores > score_thr).nonzero()[0]
        ids = matcher.match(
            frame.bboxes[kept], frame.labels[kept], frame.embeds[kept], frame.frame_id
        )
        for index, identity in zip(kept, ids.tolist()):
            class_id = class_ids[frame.labels[index]]
            track_id = numbering(class_id, identity)
            yield MOTSObject(
                frame.frame_id, track_id, class_id, *frame.size, frame.rles[index]
            )


def search(args: argparse.Namespace) -> list[dict]:
    """Evaluate every combination.

    Args:
        args (Namespace): See :func:`parse_args`.

    Returns:
        list[dict]: ``parameters`` and, of each class, ``scores`` of each combination.
    """
    lengths = read_seqmap(args.seqmap)
    rules = get_benchmark(args.benchmark, args.gt, args.classes)
    names = ('candidates', 'motion', 'score_thr', 'num_frames_retain', 'match_sim_thr')
    rows = []
    for folder in args.detections:
        sequences = read_folder(folder, lengths, args.seqmap)
        for values in itertools.product(*(getattr(args, name) for name in names)):
            parameters = dict(zip(names, values))
            options = {k: v for k, v in parameters.items() if k != 'score_thr'}
            matcher = IoUCosineMatcher(**options)
            with tempfile.TemporaryDirectory() as temp:
                for name, frames in sequences.items():
                    objects = track_frames(
                        matcher, frames, parameters['score_thr'], rules.classes
                    )
                    path = Path(temp) / f'{name}.txt'
                    write_mots_txt(path, objects, rules.first_frame)
                write_labels(Path(temp, LABELS_FILE), class_numbers(rules.classes))
                scores = evaluate_mots(
                    args.gt,
                    temp,
                    lengths,
                    benchmark=args.benchmark,
                    classes=rules.classes,
                )
            parameters = dict(detections=str(folder), **parameters)
            rows.append(dict(parameters=parameters, scores=scores))
    return rows


def read_folder(
    folder: Path, lengths: dict[str, int], seqmap: Path
) -> dict[str, list[SavedFrame]]:
    """Read the saved detections of the sequences of a seqmap.

    Args:
        folder (Path): With ``SSSS.jsonl``.
        lengths (dict[str, int]): Number of frames of each sequence.
        seqmap (Path): Where these are from, for errors.

    Returns:
        dict[str, list[SavedFrame]]: Frames of each sequence.

    Raises:
        ValueError: If a file breaks the format or has another number of frames.
    """
    sequences = {}
    for name, length in lengths.items():
        path = folder / f'{name}.jsonl'
        sequences[name] = read_detections(path)
        if len(sequences[name]) != length:
            raise ValueError(
                f'{path}: {len(sequences[name])} frames, {seqmap} says {length}'
            )
    return sequences


def choose(rows: list[dict], metric: str) -> dict:
    """The best parameters: window and threshold of each class, the rest in common.

    Args:
        rows (list[dict]): From :func:`search`.
        metric (str): What is to be high, as the mean of the classes.

    Returns:
        dict: ``detections``, the folder, ``score_thr`` and, as ``tracker``, the
        options of the tracker.
    """
    groups = {}
    for row in rows:
        values = row['parameters']
        key = tuple(values[name] for name in COMMON)
        best = groups.setdefault(key, {})
        for name, scores in row['scores'].items():
            value = scores[metric]
            if name not in best or value > best[name][0]:
                best[name] = value, values
    key = max(groups, key=lambda k: mean([value for value, _ in groups[k].values()]))
    best = [values for _, values in groups[key].values()]
    common = dict(zip(COMMON, key))
    return dict(
        detections=common['detections'],
        score_thr=common['score_thr'],
        tracker=dict(
            type='IoUCosineTracker',
            num_frames_retain=[values['num_frames_retain'] for values in best],
            match_sim_thr=[values['match_sim_thr'] for values in best],
            candidates=common['candidates'],
            motion=common['motion'],
        ),
    )


def mean(values: Sequence[float]) -> float:
    """The mean of the classes that have true objects."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        raise ValueError('the ground truth has no object of the classes')
    return sum(known) / len(known)


def format_rows(rows: list[dict], metric: str) -> str:
    """Table of the combinations, the best mean first."""
    classes = list(rows[0]['scores'])
    table = [[*rows[0]['parameters'], *(f'{name} {metric}' for name in classes)]]
    table[0].append('mean')
    lines = []
    for row in rows:
        values = [row['scores'][name][metric] for name in classes]
        values.append(mean(values))
        cells = [*row['parameters'].values(), *(format_value(v, '.2f') for v in values)]
        lines.append((values[-1], cells))
    lines.sort(key=lambda line: -line[0])
    return AsciiTable(table + [cells for _, cells in lines]).table


def main() -> None:
    """Search, print the table and the best options, write the JSON file."""
    args = parse_args()
    try:
        if args.json:
            check_existing([args.json], overwrite=args.overwrite)
        rows = search(args)
        best = choose(rows, args.metric)
        print(format_rows(rows, args.metric))
        if len(args.detections) > 1:
            print(f'best: {best["detections"]}')
        print(f'best: model.detector.test_cfg.rcnn.score_thr={best["score_thr"]}')
        print(f'model.tracker={best["tracker"]}')
        if args.json:
            with atomic_write(args.json) as temp:
                temp.write_text(format_json(dict(best=best, rows=rows)))
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()

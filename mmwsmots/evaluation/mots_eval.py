# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Evaluation of MOTS text files with TrackEval: KITTI MOTS, MOTS20, any classes."""

import logging
import math
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from pycocotools import mask as mask_utils

from mmwsmots.evaluation.benchmarks import get_benchmark, iou_threshold
from mmwsmots.evaluation.filled_boxes import filled_boxes, tight_boxes
from mmwsmots.fileio.classes import LABELS_FILE, class_numbers, write_labels
from mmwsmots.fileio.mots_txt import MOTSObject, write_mots_txt

SCORES = ('sMOTSA', 'MOTSA', 'MOTSP', 'HOTA', 'IDF1', 'share_above_half')


def evaluate_mots(
    gt_dir: str | Path,
    results_dir: str | Path,
    seq_lengths: Mapping[str, int],
    boxes: Mapping[str, np.ndarray] | None = None,
    protocol: str = 'trackeval',
    benchmark: str = 'kitti_mots',
    classes: Sequence[str] | None = None,
) -> dict[str, dict[str, float]]:
    """Evaluate results against ground truth, all sequences together.

    With TP a match at mask IoU 0.5, M the number of ground truth masks and IDS
    the identity switches:
    sMOTSA = (sum of IoU over TP - FP - IDS) / M, MOTSA = (TP - FP - IDS) / M,
    MOTSP = sum of IoU over TP / TP.

    Args:
        gt_dir (str | Path): Folder of ground truth ``SSSS.txt``.
        results_dir (str | Path): Folder of results ``SSSS.txt``.
        seq_lengths (Mapping[str, int]): Sequences to evaluate and their numbers
            of frames.
        boxes (Mapping[str, ndarray] | None): Predicted boxes (N, 4) xyxy of each
            sequence in the order of its results, for the foreground ratio. None
            takes the tight boxes of the masks.
        protocol (str): 'trackeval' (a match needs IoU >= 0.5) or 'mots_tools'
            (IoU > 0.5). HOTA has its own thresholds and is the same in both.
        benchmark (str): 'kitti_mots', or 'mots20': pedestrians only, frames from 1,
            ground truth ``gt_dir/SSSS/gt/gt.txt``.
        classes (Sequence[str], optional): Names of the classes to evaluate, in the
            order of their numbers from 1 on where a folder has no ``labels.txt``. None
            takes all of ``gt_dir/labels.txt``, or else the benchmark's.

    Returns:
        dict[str, dict[str, float]]: For each class: sMOTSA, MOTSA,
        MOTSP, HOTA and IDF1 in percent; IDS, TP, FP and FN as counts;
        share_above_half, the share TP / M of ground truth masks that are matched;
        foreground_ratio, the mean over results of mask area / box area. Without any
        ground truth mask the metrics are nan, as is foreground_ratio without results.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file breaks the format or does not fit the sequence; the
            message names the file and, where there is one, the line.
    """
    return evaluate_sequences(
        gt_dir, results_dir, seq_lengths, boxes, protocol, benchmark, classes
    )[0]


def evaluate_sequences(
    gt_dir: str | Path,
    results_dir: str | Path,
    seq_lengths: Mapping[str, int],
    boxes: Mapping[str, np.ndarray] | None = None,
    protocol: str = 'trackeval',
    benchmark: str = 'kitti_mots',
    classes: Sequence[str] | None = None,
) -> tuple[dict[str, dict], dict[str, dict]]:
    """:func:`evaluate_mots` of all sequences together, and of each sequence."""
    from mmwsmots.evaluation.parsed_kitti_mots import (
        ParsedKittiMOTS,
        find_oddities,
        trackeval,
    )

    gt_dir, results_dir = Path(gt_dir).resolve(), Path(results_dir).resolve()
    config = dict(THRESHOLD=iou_threshold(protocol), PRINT_CONFIG=False)
    rules = get_benchmark(benchmark, gt_dir, classes)
    dataset = ParsedKittiMOTS(gt_dir, results_dir, seq_lengths, rules)
    metrics = [
        trackeval.metrics.HOTA(),
        trackeval.metrics.CLEAR(config),
        trackeval.metrics.Identity(config),
    ]
    per_seq = {name: [{} for _ in metrics] for name in rules.classes}
    ratios = {name: {} for name in rules.classes}
    for seq in seq_lengths:
        gt, results = dataset.read(seq)
        # Boxes come with results of our own making.
        for notice in find_oddities(gt, results, rules) if boxes is None else ():
            path = results_dir / f'{seq}.txt'
            print_log(f'{path}: {notice}', 'current', logging.WARNING)
        seq_boxes = tight_boxes(results) if boxes is None else boxes[seq]
        ratio = foreground_ratios(results, seq_boxes)
        class_ids = np.array([obj.class_id for obj in results], dtype=int)
        for name, number in rules.class_ids.items():
            ratios[name][seq] = ratio[class_ids == number]
        for name, data in dataset.preprocess(seq, gt, results).items():
            for metric, result in zip(metrics, per_seq[name]):
                result[seq] = metric.eval_sequence(data)
    return (
        _combine(metrics, per_seq, ratios, seq_lengths),
        {seq: _combine(metrics, per_seq, ratios, [seq]) for seq in seq_lengths},
    )


def evaluate_filled_boxes(
    gt_dir: str | Path,
    results_dir: str | Path,
    seq_lengths: Mapping[str, int],
    protocol: str = 'trackeval',
    benchmark: str = 'kitti_mots',
    classes: Sequence[str] | None = None,
) -> tuple[dict[str, dict], dict[str, dict]]:
    """:func:`evaluate_sequences` of the tight boxes of masks, made disjoint."""
    from mmwsmots.evaluation.parsed_kitti_mots import read_objects

    rules = get_benchmark(benchmark, gt_dir, classes)
    boxes = {}
    with tempfile.TemporaryDirectory() as temp:
        write_labels(Path(temp) / LABELS_FILE, class_numbers(rules.classes))
        for name in seq_lengths:
            path = Path(results_dir) / f'{name}.txt'
            objects = read_objects(path, Path(results_dir), rules, check_ids=False)
            # Boxes of other classes would hide these; masks did not.
            boxed = filled_boxes(
                [obj for obj in objects if obj.class_id in rules.class_ids.values()]
            )
            boxes[name] = tight_boxes(boxed)
            write_mots_txt(Path(temp) / f'{name}.txt', boxed, rules.first_frame)
        return evaluate_sequences(
            gt_dir, temp, seq_lengths, boxes, protocol, benchmark, rules.classes
        )


def foreground_ratios(objects: list[MOTSObject], boxes: np.ndarray) -> np.ndarray:
    """Mask area over area of the box (N, 4) xyxy within the frame, in pixels: (N, ).

    It is 1 for a mask that fills its box and 0 for a box of size 0.
    """
    areas = np.array([mask_utils.area(obj.coco_rle) for obj in objects], dtype=float)
    limits = np.array([[obj.width, obj.height] for obj in objects]).reshape(-1, 2)
    corners = np.clip(np.reshape(boxes, (-1, 2, 2)), 0, limits[:, None])
    box_areas = np.prod(np.maximum(corners[:, 1] - corners[:, 0], 0), axis=1)
    return np.divide(areas, box_areas, out=np.zeros_like(areas), where=box_areas > 0)


def _combine(
    metrics: list,
    per_seq: dict[str, list[dict]],
    ratios: dict[str, dict[str, np.ndarray]],
    names: Collection[str],
) -> dict[str, dict[str, float]]:
    """What :func:`evaluate_mots` returns, of some of the sequences."""
    rows = {}
    for class_name, metric_results in per_seq.items():
        score = {}
        for metric, result in zip(metrics, metric_results):
            score.update(metric.combine_sequences({seq: result[seq] for seq in names}))
        ratio = np.concatenate([ratios[class_name][seq] for seq in names])
        row = rows[class_name] = dict(
            sMOTSA=100 * float(score['sMOTA']),
            MOTSA=100 * float(score['MOTA']),
            MOTSP=100 * float(score['MOTP']),
            IDS=int(score['IDSW']),
            HOTA=100 * float(np.mean(score['HOTA'])),
            IDF1=100 * float(score['IDF1']),
            TP=int(score['CLR_TP']),
            FP=int(score['CLR_FP']),
            FN=int(score['CLR_FN']),
            share_above_half=float(score['CLR_Re']),
            foreground_ratio=float(np.mean(ratio)) if len(ratio) else math.nan,
        )
        if row['TP'] + row['FN'] == 0:  # TrackEval says 0, or below it
            row.update(dict.fromkeys(SCORES, math.nan))
    return rows

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Evaluation of MOTS text files with TrackEval: KITTI MOTS, MOTS20, any classes."""

import logging
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from pycocotools import mask as mask_utils
from terminaltables import AsciiTable

from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject
from mmwsmots.fileio.rle import mask_to_rle

from .benchmarks import get_benchmark, iou_threshold

# How tables write the metrics, and what they call them.
FORMATS = dict(sMOTSA='.2f', MOTSA='.2f', MOTSP='.2f', IDS='d', HOTA='.2f', IDF1='.2f')
FORMATS |= dict(share_above_half='.3f', foreground_ratio='.3f')
TITLES = dict(share_above_half='share > 0.5', foreground_ratio='area / box')
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

    With TP a match at mask IoU 0.5, M the number of ground truth masks and IDS the
    identity switches: sMOTSA = (sum of IoU over TP - FP - IDS) / M,
    MOTSA = (TP - FP - IDS) / M, MOTSP = sum of IoU over TP / TP.

    Args:
        gt_dir, results_dir (str | Path): Folders of ``SSSS.txt``.
        seq_lengths (Mapping[str, int]): Sequences and their numbers of frames.
        boxes (Mapping[str, ndarray] | None): Predicted boxes (N, 4) xyxy of each
            sequence in the order of its results, for the foreground ratio; None: the
            masks' tight boxes.
        protocol (str): 'trackeval' (a match needs IoU >= 0.5) or 'mots_tools'
            (IoU > 0.5); HOTA has its own thresholds.
        benchmark (str): 'kitti_mots', or 'mots20': pedestrians only, frames from 1,
            ground truth ``gt_dir/SSSS/gt/gt.txt``.
        classes (Sequence[str], optional): Names of the classes to evaluate, in the
            order of their numbers from 1 on where a folder has no ``labels.txt``. None
            takes all of ``gt_dir/labels.txt``, or else the benchmark's.

    Returns:
        dict[str, dict[str, float]]: For each class: sMOTSA, MOTSA, MOTSP, HOTA and IDF1
        in percent; IDS, TP, FP and FN as counts; share_above_half, the share TP / M of
        ground truth masks that are matched; foreground_ratio, the mean over results of
        mask area / box area. Without any ground truth mask the metrics are nan, as is
        foreground_ratio without results.

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
    from .parsed_kitti_mots import ParsedKittiMOTS, find_oddities, trackeval

    gt_dir, results_dir = Path(gt_dir).resolve(), Path(results_dir).resolve()
    config = dict(THRESHOLD=iou_threshold(protocol), PRINT_CONFIG=False)
    rules = get_benchmark(benchmark, gt_dir, classes)
    dataset = ParsedKittiMOTS(gt_dir, results_dir, seq_lengths, rules)
    kinds = trackeval.metrics
    metrics = [kinds.HOTA(), kinds.CLEAR(config), kinds.Identity(config)]
    found = {name: {} for name in rules.classes}
    for seq in seq_lengths:
        gt, results = dataset.read(seq)
        # Boxes come with results of our own making.
        for notice in find_oddities(gt, results, rules) if boxes is None else ():
            path = results_dir / f'{seq}.txt'
            print_log(f'{path}: {notice}', 'current', logging.WARNING)
        seq_boxes = tight_boxes(results) if boxes is None else boxes[seq]
        ratios = foreground_ratios(results, seq_boxes)
        class_ids = np.array([obj.class_id for obj in results], dtype=int)
        for name, data in dataset.preprocess(seq, gt, results).items():
            scores = [metric.eval_sequence(data) for metric in metrics]
            found[name][seq] = scores, ratios[class_ids == rules.class_ids[name]]
    each = {seq: _combine(metrics, found, [seq]) for seq in seq_lengths}
    return _combine(metrics, found, seq_lengths), each


def foreground_ratios(objects: list[MOTSObject], boxes: np.ndarray) -> np.ndarray:
    """Mask area over that of the box (N, 4) xyxy within the frame, or 0: (N, )."""
    areas = np.array([mask_utils.area(obj.coco_rle) for obj in objects], dtype=float)
    limits = np.array([[obj.width, obj.height] for obj in objects]).reshape(-1, 2)
    corners = np.clip(np.reshape(boxes, (-1, 2, 2)), 0, limits[:, None])
    box_areas = np.prod(np.maximum(corners[:, 1] - corners[:, 0], 0), axis=1)
    return np.divide(areas, box_areas, out=np.zeros_like(areas), where=box_areas > 0)


def _combine(
    metrics: list, found: dict[str, dict[str, tuple]], seqs: Collection[str]
) -> dict[str, dict[str, float]]:
    """What :func:`evaluate_mots` returns, of some of the sequences."""
    rows = {}
    for class_name, of_seqs in found.items():
        score = {}
        for i, metric in enumerate(metrics):
            score |= metric.combine_sequences({seq: of_seqs[seq][0][i] for seq in seqs})
        ratio = np.concatenate([of_seqs[seq][1] for seq in seqs])
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


def format_table(rows: Mapping[str, dict[str, dict[str, float]]]) -> str:
    """Table, class by class, of named results of :func:`evaluate_mots`."""
    table = [['class', 'masks', *(TITLES.get(key, key) for key in FORMATS)]]
    absent = {}
    for class_name in next(iter(rows.values())):
        for name, row in rows.items():
            values = row[class_name]
            cells = [format_value(values[key], spec) for key, spec in FORMATS.items()]
            table.append([class_name, name, *cells])
            if not values['TP'] + values['FN']:
                absent[class_name] = None
    note = f'\nno true objects of {", ".join(absent)}, hence no scores'
    return AsciiTable(table).table + (note if absent else '')


def format_value(value: float, spec: str) -> str:
    """A metric as text, '-' where there is none."""
    return '-' if math.isnan(value) else format(value, spec)


def tight_boxes(objects: Sequence[MOTSObject]) -> np.ndarray:
    """Smallest boxes (N, 4) xyxy in pixels around masks; an empty mask's has size 0."""
    if len(objects) == 0:
        return np.zeros((0, 4))
    boxes = mask_utils.toBbox([obj.coco_rle for obj in objects])
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def filled_boxes(
    objects: Sequence[MOTSObject],
    boxes: np.ndarray | None = None,
    scores: Sequence[float] | None = None,
) -> list[MOTSObject]:
    """Replace each mask by its box, made disjoint within the frame.

    A box is rounded to whole pixels and clipped to the frame; one that others hide gets
    an empty mask. Of N objects of one sequence, without ignore regions; ``boxes``
    (N, 4) are xyxy in pixels, by default the tight boxes of the masks. The higher score
    is in front; ties go to the earlier object. Without scores it is the lower bottom
    edge, which on the road is the nearer object; ties go to the later object.
    """
    if any(obj.class_id == IGNORE_CLASS_ID for obj in objects):
        raise ValueError('an ignore region has no box that could be filled')
    boxes = tight_boxes(objects) if boxes is None else np.asarray(boxes, dtype=float)
    priority = boxes[:, 3] if scores is None else np.asarray(scores)
    if boxes.shape != (len(objects), 4) or priority.shape != (len(objects),):
        text = f'{len(objects)} objects need as many boxes and scores, got '
        raise ValueError(f'{text}{boxes.shape} and {priority.shape}')
    corners, filled = np.round(boxes).astype(int), [*objects]
    members = defaultdict(list)
    for index, obj in enumerate(objects):
        members[obj.frame_id].append(index)
    for indices in members.values():
        height, width = objects[indices[0]][3:5]
        corners[indices] = np.clip(corners[indices], 0, [width, height, width, height])
        canvas = np.full((height, width), -1)
        # From the back to the front; sorted() keeps the order of equals.
        order = indices if scores is None else indices[::-1]
        for index in sorted(order, key=lambda i: priority[i]):
            x1, y1, x2, y2 = corners[index]
            canvas[y1:y2, x1:x2] = index
        for i in indices:
            filled[i] = objects[i]._replace(rle=mask_to_rle(canvas == i))
    return filled

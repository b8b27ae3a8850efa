# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""KITTI MOTS evaluation of text files with TrackEval."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import trackeval.metrics
from pycocotools import mask as mask_utils
from terminaltables import AsciiTable

from mmwsmots.datasets.mots_io import CLASS_IDS, MOTSObject, read_mots_txt
from mmwsmots.evaluation.filled_boxes import tight_boxes
from mmwsmots.evaluation.parsed_kitti_mots import ParsedKittiMOTS

# A match needs IoU >= 0.5 in TrackEval, IoU > 0.5 in mots_tools. IoUs are ratios of
# pixel counts: nothing but 0.5 itself lies within 1e-9 of it.
IOU_THRESHOLDS = {'trackeval': 0.5, 'mots_tools': 0.5 + 1e-9}


def evaluate_mots(
    gt_dir: str | Path,
    results_dir: str | Path,
    seq_lengths: Mapping[str, int],
    boxes: Mapping[str, np.ndarray] | None = None,
    protocol: str = 'trackeval',
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

    Returns:
        dict[str, dict[str, float]]: For 'car' and 'pedestrian': sMOTSA, MOTSA,
        MOTSP, HOTA and IDF1 in percent; IDS, TP, FP and FN as counts;
        share_above_half, the share TP / M of ground truth masks that are matched;
        foreground_ratio, the mean over results of mask area / box area.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file breaks the format or does not fit the sequence; the
            message names the file and, where there is one, the line.
    """
    gt_dir, results_dir = Path(gt_dir).resolve(), Path(results_dir).resolve()
    if protocol not in IOU_THRESHOLDS:
        raise ValueError(
            f'protocol must be one of {list(IOU_THRESHOLDS)}, got {protocol!r}'
        )
    for name in seq_lengths:
        for folder, what in ((gt_dir, 'ground truth'), (results_dir, 'results')):
            if not (folder / f'{name}.txt').is_file():
                raise FileNotFoundError(
                    f'{folder / name}.txt: no {what} for sequence {name}'
                )
    dataset = ParsedKittiMOTS(
        dict(
            GT_FOLDER=str(gt_dir),
            GT_LOC_FORMAT='{gt_folder}/{seq}.txt',
            TRACKERS_FOLDER=str(results_dir.parent),
            TRACKERS_TO_EVAL=[results_dir.name],
            TRACKER_SUB_FOLDER='',
            PRINT_CONFIG=False,
        ),
        seq_lengths,
    )
    config = dict(THRESHOLD=IOU_THRESHOLDS[protocol], PRINT_CONFIG=False)
    metrics = [
        trackeval.metrics.HOTA(),
        trackeval.metrics.CLEAR(config),
        trackeval.metrics.Identity(config),
    ]
    per_seq = {name: [{} for _ in metrics] for name in CLASS_IDS}
    ratios = {name: [] for name in CLASS_IDS}
    for seq, length in seq_lengths.items():
        gt, results = _read_pair(gt_dir, results_dir, seq, length)
        seq_boxes = tight_boxes(results) if boxes is None else boxes[seq]
        ratio = foreground_ratios(results, seq_boxes)
        class_ids = np.array([obj.class_id for obj in results], dtype=int)
        for name, class_id in CLASS_IDS.items():
            ratios[name] += ratio[class_ids == class_id].tolist()
        _eval_sequence(dataset, seq, gt, results, metrics, per_seq)
    scores = {}
    for name, metric_results in per_seq.items():
        scores[name] = {}
        for metric, result in zip(metrics, metric_results):
            scores[name].update(metric.combine_sequences(result))
    return {
        name: dict(
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
            foreground_ratio=float(np.mean(ratios[name])) if ratios[name] else 0.0,
        )
        for name, score in scores.items()
    }


def format_table(rows: Mapping[str, dict[str, dict[str, float]]]) -> str:
    """Table of results, class by class.

    Args:
        rows (Mapping[str, dict]): For each name of a row what
            :func:`evaluate_mots` returned.

    Returns:
        str: The table.
    """
    formats = dict(
        sMOTSA='.2f',
        MOTSA='.2f',
        MOTSP='.2f',
        IDS='d',
        HOTA='.2f',
        IDF1='.2f',
        share_above_half='.3f',
        foreground_ratio='.3f',
    )
    names = dict(share_above_half='share > 0.5', foreground_ratio='area / box')
    table = [['class', 'masks', *(names.get(key, key) for key in formats)]]
    for class_name in CLASS_IDS:
        for name, row in rows.items():
            values = row[class_name]
            cells = [format(values[key], spec) for key, spec in formats.items()]
            table.append([class_name, name, *cells])
    return AsciiTable(table).table


def foreground_ratios(objects: list[MOTSObject], boxes: np.ndarray) -> np.ndarray:
    """Mask area over box area; 1 for a mask that fills its box.

    Args:
        objects (list[MOTSObject]): N objects.
        boxes (ndarray): Their boxes (N, 4) xyxy in pixels; clipped to the frame.

    Returns:
        ndarray: Ratios (N, ); 0 for a box of size 0.
    """
    areas = np.array([mask_utils.area(obj.coco_rle) for obj in objects], dtype=float)
    limits = np.array([[obj.width, obj.height] for obj in objects]).reshape(-1, 2)
    corners = np.clip(np.reshape(boxes, (-1, 2, 2)), 0, limits[:, None])
    box_areas = np.prod(np.maximum(corners[:, 1] - corners[:, 0], 0), axis=1)
    return np.divide(areas, box_areas, out=np.zeros_like(areas), where=box_areas > 0)


def _read_pair(
    gt_dir: Path, results_dir: Path, name: str, length: int
) -> tuple[list[MOTSObject], list[MOTSObject]]:
    """Read and check ground truth and results of a sequence."""
    paths = [gt_dir / f'{name}.txt', results_dir / f'{name}.txt']
    gt, results = read_mots_txt(paths[0]), read_mots_txt(paths[1], check_ids=False)
    for path, objects in zip(paths, (gt, results)):
        for number, obj in enumerate(objects, 1):
            if obj.frame_id >= length:
                raise ValueError(
                    f'{path}, line {number}: frame {obj.frame_id} lies beyond the '
                    f'{length} frames of the sequence'
                )
    if gt and results and gt[0][3:5] != results[0][3:5]:
        raise ValueError(
            f'{paths[1]}, line 1: the masks have the size {results[0].height} x '
            f'{results[0].width}, those of {paths[0]} {gt[0].height} x {gt[0].width}'
        )
    return gt, results


def _eval_sequence(
    dataset: ParsedKittiMOTS,
    seq: str,
    gt: list[MOTSObject],
    results: list[MOTSObject],
    metrics: list,
    per_seq: dict[str, list[dict]],
) -> None:
    """TrackEval's own classes without its Evaluator, which prints and writes files."""
    # Ids are only told apart, but TrackEval makes tables up to the largest one.
    numbers = {i: n for n, i in enumerate(sorted({obj.track_id for obj in results}))}
    results = [obj._replace(track_id=numbers[obj.track_id]) for obj in results]
    dataset.set_sequence(gt, results)
    raw_data = dataset.get_raw_seq_data('', seq)
    for name, metric_results in per_seq.items():
        data = dataset.get_preprocessed_seq_data(raw_data, name)
        for metric, result in zip(metrics, metric_results):
            result[seq] = metric.eval_sequence(data)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Measure one trained model, alone and given the true boxes."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.utils import track_iter_progress
from pycocotools import mask as mask_utils

from benchmarks.masks import boundary_iou, grabcut
from mmwsmots.apis import segment_boxes
from mmwsmots.apis.inference import frame_batch
from mmwsmots.evaluation import evaluate_mots, filled_boxes
from mmwsmots.evaluation.mots_eval import foreground_ratios, tight_boxes
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.mots_track_ids import TrackNumbering
from mmwsmots.fileio.mots_txt import (
    CLASS_IDS,
    IGNORE_CLASS_ID,
    MOTSObject,
    read_mots_txt,
    write_mots_txt,
)
from mmwsmots.fileio.rle import mask_to_rle
from mmwsmots.models.mot import MOTSNet
from mmwsmots.models.utils.disjoint_masks import disjoint_masks

from .measures import color_contrast, paired_ious

BAND = 0.005  # width of a mask's boundary as a share of the frame's diagonal
CLASS_OF_ID = {class_id: name for name, class_id in CLASS_IDS.items()}


class Results(NamedTuple):
    """Detections or given boxes of one sequence, N in all."""

    objects: list[MOTSObject]
    boxes: np.ndarray  # (N, 4) xyxy
    scores: np.ndarray  # (N, )


def evaluate(
    model: MOTSNet, data_root: Path, masks_dir: Path, with_grabcut: bool
) -> dict:
    """Everything that the table shows about one model.

    Args:
        model (:obj:`MOTSNet`): From :func:`init_mots_model`.
        data_root (Path): Data set in the layout of KITTI MOTS.
        masks_dir (Path): Gets ``KIND/SSSS.txt``, the masks given the true boxes.
        with_grabcut (bool): Whether to run GrabCut in the boxes too.

    Returns:
        dict: ``kind -> class -> measure -> value`` with the kinds 'model', 'filled
        boxes' and, if wanted, 'GrabCut'.
    """
    found, given, contrasts = {}, {}, {}
    gt_dir = data_root / 'instances_txt'
    truths = {
        path.stem: [
            obj for obj in read_mots_txt(path) if obj.class_id != IGNORE_CLASS_ID
        ]
        for path in sorted(gt_dir.glob('*.txt'))
    }
    lengths = {}
    for name in track_iter_progress(list(truths)):
        reader = FrameReader(data_root / 'training/image_02' / name)
        lengths[name] = len(reader)
        found[name] = {'model': detect(model, reader)}
        known = Results(truths[name], tight_boxes(truths[name]), np.zeros(0))
        known = known._replace(scores=known.boxes[:, 3])  # the lower is in front
        given[name] = {'model': resegment(known, reader, _mask_branch(model))}
        for results in (found[name], given[name]):
            base = results['model']
            results['filled boxes'] = base._replace(objects=filled_boxes(*base))
            if with_grabcut:
                results['GrabCut'] = resegment(base, reader, _grabcuts)
        contrasts[name] = measure_contrasts(known, reader)
        for kind, results in given[name].items():
            (masks_dir / kind).mkdir(parents=True, exist_ok=True)
            write_mots_txt(masks_dir / kind / f'{name}.txt', results.objects)
    table = {}
    for kind in next(iter(found.values())):
        system = {name: results[kind] for name, results in found.items()}
        base = {name: results['filled boxes'] for name, results in found.items()}
        masks = {name: results[kind].objects for name, results in given.items()}
        rows = system_measures(gt_dir, truths, system, base, lengths)
        perfect = evaluate_mots(gt_dir, masks_dir / kind, lengths)
        for name, row in given_measures(truths, masks, contrasts).items():
            rows[name].update(row, given_sMOTSA=perfect[name]['sMOTSA'])
        table[kind] = rows
    return table


@torch.no_grad()
def detect(model: MOTSNet, reader: FrameReader) -> Results:
    """Run detector and tracker over a sequence and keep boxes and scores."""
    class_ids, numbering = list(CLASS_IDS.values()), TrackNumbering()
    objects, boxes, scores = [], [], []
    for frame_id, frame in enumerate(reader):
        batch = frame_batch(model, frame, frame_id, len(reader))
        (sample,) = model.test_step(batch)
        found = sample[0].pred_track_instances.cpu().numpy()
        for identity, label, mask in zip(found.instances_id, found.labels, found.masks):
            track_id = numbering(class_ids[label], int(identity))
            fields = (*mask.shape, mask_to_rle(mask))
            objects.append(MOTSObject(frame_id, track_id, class_ids[label], *fields))
        boxes.append(found.bboxes.reshape(-1, 4))
        scores.append(found.scores)
    return Results(objects, np.concatenate(boxes), np.concatenate(scores))


def resegment(results: Results, reader: FrameReader, segment: Callable) -> Results:
    """Replace the masks of boxes by those of another method.

    Args:
        results (Results): N boxes of a sequence.
        reader (FrameReader): Its frames.
        segment (Callable): From frame, boxes, class ids and scores to disjoint masks
            (n, H, W) bool.

    Returns:
        Results: The same boxes with the new masks.
    """
    frame_ids = np.array([obj.frame_id for obj in results.objects])
    class_ids = np.array([obj.class_id for obj in results.objects])
    objects = list(results.objects)
    for frame_id, frame in enumerate(reader):
        rows = np.flatnonzero(frame_ids == frame_id)
        if len(rows) == 0:
            continue
        masks = segment(
            frame, results.boxes[rows], class_ids[rows], results.scores[rows]
        )
        for row, mask in zip(rows, masks):
            objects[row] = objects[row]._replace(rle=mask_to_rle(mask))
    return results._replace(objects=objects)


def _mask_branch(model: MOTSNet) -> Callable:
    order = list(CLASS_IDS.values())

    def segment(frame, boxes, class_ids, scores):
        labels = np.array([order.index(i) for i in class_ids])
        return segment_boxes(model, frame, boxes, labels)

    return segment


def _grabcuts(frame, boxes, class_ids, scores) -> np.ndarray:
    masks = torch.from_numpy(np.stack([grabcut(frame, box) for box in boxes]))
    return disjoint_masks(masks, torch.as_tensor(scores)).numpy()


def measure_contrasts(known: Results, reader: FrameReader) -> np.ndarray:
    """Colour contrast of every true object, (N, )."""
    contrasts = np.zeros(len(known.objects))
    frame_ids = np.array([obj.frame_id for obj in known.objects])
    for frame_id, frame in enumerate(reader):
        for row in np.flatnonzero(frame_ids == frame_id):
            contrasts[row] = color_contrast(
                frame, known.objects[row].mask, known.boxes[row]
            )
    return contrasts


def system_measures(
    gt_dir: Path, truths: dict, system: dict, filled: dict, lengths: dict
) -> dict:
    """Official metrics and the paired MOTSP, per class."""
    with tempfile.TemporaryDirectory() as temp:
        for name, results in system.items():
            write_mots_txt(Path(temp) / f'{name}.txt', results.objects)
        boxes = {name: results.boxes for name, results in system.items()}
        rows = evaluate_mots(gt_dir, temp, lengths, boxes)
    pairs = []
    for name, results in system.items():
        pairs += paired_ious(truths[name], results.objects, filled[name].objects)
    for name, row in rows.items():
        ious = [iou for class_id, iou, _ in pairs if CLASS_OF_ID[class_id] == name]
        row['paired_MOTSP'] = 100 * mean(ious)
    return rows


def given_measures(truths: dict, masks: dict, contrasts: dict) -> dict:
    """Measures of the masks given the true boxes, per class.

    Returns:
        dict: For each class ``given_iou`` (mean), ``given_share`` above 0.5,
        ``given_ratio`` (area over box), ``given_boundary`` (boundary IoU) and
        ``given_low_contrast``, the mean IoU of the fifth of the objects that differs
        least from the rest of its box; all in percent but shares and ratios.
    """
    columns = {name: [] for name in CLASS_IDS}
    for name, truth in truths.items():
        ratios = foreground_ratios(masks[name], tight_boxes(truth))
        for obj, other, ratio, contrast in zip(
            truth, masks[name], ratios, contrasts[name]
        ):
            width = max(1, round(BAND * float(np.hypot(obj.height, obj.width))))
            iou = float(mask_utils.iou([other.coco_rle], [obj.coco_rle], [0])[0, 0])
            boundary = boundary_iou(other.mask, obj.mask, width)
            columns[CLASS_OF_ID[obj.class_id]].append((iou, boundary, ratio, contrast))
    rows = {}
    for name, column in columns.items():
        values = np.array(column).reshape(-1, 4)
        ious, boundaries, ratios, contrast = values.T
        low = np.argsort(contrast, kind='stable')[: -(-len(values) // 5)]
        rows[name] = dict(
            given_iou=100 * mean(ious),
            given_share=mean(ious > 0.5),
            given_ratio=mean(ratios),
            given_boundary=100 * mean(boundaries),
            given_low_contrast=100 * mean(ious[low]),
        )
    return rows


def mean(values) -> float:
    """Mean; nan without values and without a warning."""
    return float(np.mean(values)) if len(values) else float('nan')

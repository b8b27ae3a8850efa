# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What the masks in given boxes are worth, object by object."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from benchmarks.masks import boundary_iou, fill_box
from mmwsmots.fileio.rle import mask_to_rle

from .data import Frame

# Width of a boundary as a share of the frame's diagonal: as published for COCO and for
# Cityscapes, whose objects are small on large frames.
BANDS = dict(photos=0.02, kitti=0.005, clip=0.005)
MATCH = 0.5  # IoU above which MOTS counts an object as found
SIZES = dict(small=(0, 32**2), medium=(32**2, 96**2), large=(96**2, np.inf))


class Score(NamedTuple):
    """One object: its mask against the truth, and the filled box beside it.

    Attributes:
        group (str): Split or sequence.
        label (str): Class.
        confidence (float): Of the mask.
        ratio (float): Mask area over box area.
        area (float): True area in pixels; this and all below are nan without truth.
        true_ratio (float): True area over box area.
        iou (float): Of the mask.
        boundary (float): Boundary IoU of the mask.
        filled_iou (float): IoU of the filled box.
        filled_boundary (float): Boundary IoU of the filled box.
    """

    group: str
    label: str
    confidence: float
    ratio: float
    area: float = np.nan
    true_ratio: float = np.nan
    iou: float = np.nan
    boundary: float = np.nan
    filled_iou: float = np.nan
    filled_boundary: float = np.nan


def score_frame(
    frame: Frame, masks: np.ndarray, confidences: Sequence[float], band: float
) -> list[Score]:
    """Measure the masks of a frame.

    Args:
        frame (Frame): With n boxes.
        masks (ndarray): (n, H, W) bool.
        confidences (Sequence[float]): Of the masks.
        band (float): Of :data:`BANDS`.

    Returns:
        list[Score]: One for each box.
    """
    width = max(1, round(band * float(np.hypot(*frame.size))))
    scores = []
    for index, (mask, box) in enumerate(zip(masks, frame.boxes)):
        filled = fill_box(box, frame.size)
        box_area = max(np.count_nonzero(filled), 1)
        score = Score(
            frame.group,
            frame.labels[index],
            float(confidences[index]),
            np.count_nonzero(mask) / box_area,
        )
        if frame.truth[index] is not None:
            truth = mask_utils.decode(frame.truth[index]).astype(bool)
            area = np.count_nonzero(truth)
            score = score._replace(
                area=float(area),
                true_ratio=area / box_area,
                iou=_iou(mask, frame.truth[index]),
                boundary=boundary_iou(mask, truth, width),
                filled_iou=_iou(filled, frame.truth[index]),
                filled_boundary=boundary_iou(filled, truth, width),
            )
        scores.append(score)
    return scores


def encode(mask: np.ndarray) -> dict:
    """A mask (H, W) bool as compressed COCO RLE whose counts are text."""
    return dict(size=list(mask.shape), counts=mask_to_rle(mask))


def _iou(mask: np.ndarray, truth: dict) -> float:
    return float(mask_utils.iou([encode(mask)], [truth], [0])[0, 0])


def summarize(scores: Sequence[Score]) -> dict[str, float]:
    """Row of a table.

    Args:
        scores (Sequence[Score]): Of one kind of objects.

    Returns:
        dict[str, float]: ``objects``, the number of those with truth, or of all if
        none has any; means ``iou``, ``boundary``, ``ratio``, ``true_ratio``;
        ``median_iou``; ``motsp``, the mean IoU of those above 0.5; ``share`` of
        these; the same of the filled boxes (``filled_iou``, ``filled_motsp``,
        ``filled_share``, ``filled_boundary``); ``paired_motsp``, the mean IoU of the
        masks whose filled box is above 0.5, which, unlike MOTSP, losing objects
        cannot raise. What nothing is known of is nan.
    """
    known = [score for score in scores if not np.isnan(score.iou)] or list(scores)
    columns = {
        name: np.array([getattr(score, name) for score in known], dtype=float)
        for name in Score._fields[2:]
    }
    iou, filled = columns['iou'], columns['filled_iou']
    has_truth = not np.isnan(iou).any()
    row = dict(objects=len(known))
    for name in ('iou', 'boundary', 'ratio', 'true_ratio'):
        row[name] = mean(columns[name])
    row['median_iou'] = float(np.median(iou)) if len(iou) else np.nan
    row['motsp'] = mean(iou[iou > MATCH])
    row['share'] = mean(iou > MATCH) if has_truth else np.nan
    row['filled_iou'] = mean(filled)
    row['filled_boundary'] = mean(columns['filled_boundary'])
    row['filled_share'] = mean(filled > MATCH) if has_truth else np.nan
    row['filled_motsp'] = mean(filled[filled > MATCH])
    row['paired_motsp'] = mean(iou[filled > MATCH])
    return row


def size_name(area: float) -> str:
    """COCO's name of an object's size, by its true area in pixels."""
    return next(name for name, (low, high) in SIZES.items() if low <= area < high)


def mean(values: np.ndarray) -> float:
    """Mean; nan without values and without a warning."""
    return float(np.mean(values)) if len(values) else float('nan')

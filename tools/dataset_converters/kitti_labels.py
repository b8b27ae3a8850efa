# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Boxes of the KITTI tracking labels for the objects of KITTI MOTS."""

from collections import defaultdict
from pathlib import Path

import numpy as np
from pycocotools import mask as mask_utils
from scipy.optimize import linear_sum_assignment

from mmwsmots.fileio.box_readers.text_boxes import read_kitti_boxes
from mmwsmots.fileio.mots_txt import CLASS_IDS, MOTSObject

MIN_IOU = 0.5


def read_labels(path: Path) -> dict[tuple[int, int], np.ndarray]:
    """Read the 2D boxes of a KITTI tracking label file.

    Args:
        path (Path): ``label_02/SSSS.txt`` with 17 fields per line, of which
            frame, type and the box (left, top, right, bottom) are used.

    Returns:
        dict[tuple[int, int], ndarray]: Boxes (N, 4) xyxy of each (frame, class).

    Raises:
        ValueError: If a line breaks the format; the message names file and line.
    """
    boxes = defaultdict(list)
    classes = {'Car': CLASS_IDS['car'], 'Pedestrian': CLASS_IDS['pedestrian']}
    for box in read_kitti_boxes(path):
        if box.class_name in classes:
            boxes[box.frame_id, classes[box.class_name]].append(box.bbox)
    return {key: np.array(value) for key, value in boxes.items()}


def match_labels(
    objects: list[MOTSObject],
    tight: np.ndarray,
    labels: dict[tuple[int, int], np.ndarray],
) -> tuple[np.ndarray, int]:
    """Replace tight boxes by the tracking labels they belong to.

    Objects and labels are matched per frame and class so that the sum of IoUs is
    largest (Hungarian). An object with no label of IoU 0.5 or more keeps its box.

    Args:
        objects (list[MOTSObject]): Objects of the sequence.
        tight (ndarray): Their tight boxes (N, 4) xywh.
        labels (dict): Boxes (M, 4) xyxy of each (frame, class).

    Returns:
        tuple[ndarray, int]: Boxes (N, 4) xywh and the number of matched objects.
    """
    boxes, num_matched = tight.copy(), 0
    members = defaultdict(list)
    for index, obj in enumerate(objects):
        members[obj.frame_id, obj.class_id].append(index)
    for key, indices in members.items():
        if key not in labels:
            continue
        indices = np.array(indices)
        limits = [objects[indices[0]].width, objects[indices[0]].height] * 2
        corners = np.clip(labels[key], 0, limits)
        candidates = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
        ious = mask_utils.iou(tight[indices], candidates, [0] * len(candidates))
        rows, cols = linear_sum_assignment(-ious)
        accepted = ious[rows, cols] >= MIN_IOU
        boxes[indices[rows[accepted]]] = candidates[cols[accepted]]
        num_matched += int(accepted.sum())
    return boxes, num_matched

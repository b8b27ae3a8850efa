# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Measures of single masks that the official metrics do not have."""

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmwsmots.fileio.mots_txt import MOTSObject


def paired_ious(
    truth: Sequence[MOTSObject],
    objects: Sequence[MOTSObject],
    filled: Sequence[MOTSObject],
) -> list[tuple[int, float, float]]:
    """IoUs of masks and of the filled boxes in their place, where these match.

    Unlike MOTSP, the mean over these pairs cannot be raised by losing objects.

    Args:
        truth (Sequence[MOTSObject]): Ground truth of a sequence.
        objects (Sequence[MOTSObject]): N results.
        filled (Sequence[MOTSObject]): The same N with filled boxes.

    Returns:
        list[tuple[int, float, float]]: Class, IoU of the mask, IoU of the filled
        box, for each result whose filled box is above 0.5 with an object of its
        class.
    """
    members = defaultdict(lambda: ([], []))
    for obj in truth:
        members[obj.frame_id, obj.class_id][0].append(obj)
    for pair in zip(objects, filled):
        members[pair[0].frame_id, pair[0].class_id][1].append(pair)
    pairs = []
    for (_, class_id), (targets, results) in members.items():
        if not targets or not results:
            continue
        ious = [
            mask_utils.iou(
                [pair[i].coco_rle for pair in results],
                [obj.coco_rle for obj in targets],
                [0] * len(targets),
            )
            for i in (0, 1)
        ]
        # Masks of a frame are disjoint: at most one is above 0.5.
        for row, column in np.argwhere(ious[1] > 0.5):
            pairs.append((class_id, *(float(iou[row, column]) for iou in ious)))
    return pairs


def color_contrast(frame: np.ndarray, mask: np.ndarray, bbox: np.ndarray) -> float:
    """Distance of an object's mean Lab colour to that of the rest of its box.

    Args:
        frame (ndarray): BGR, (H, W, 3) uint8.
        mask (ndarray): The object's true mask, (H, W) bool.
        bbox (ndarray): Its box (4, ) xyxy in pixels.

    Returns:
        float: Euclidean distance in Lab; inf if the mask fills the box.
    """
    x1, y1, x2, y2 = np.round(bbox).astype(int).clip(min=0)
    inside = mask[y1:y2, x1:x2]
    if inside.all() or not inside.any():
        return float('inf')
    crop = frame[y1:y2, x1:x2].astype(np.float32) / 255
    lab = cv2.cvtColor(crop, cv2.COLOR_BGR2Lab)
    return float(np.linalg.norm(lab[inside].mean(0) - lab[~inside].mean(0)))

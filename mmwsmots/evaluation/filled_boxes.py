# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from pycocotools import mask as mask_utils

from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject
from mmwsmots.fileio.rle import mask_to_rle


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

    This is what a weakly supervised mask has to beat. A box is rounded to whole pixels
    and clipped to the frame; one that others hide gets an empty mask.

    Of N objects of one sequence, without ignore regions; ``boxes`` (N, 4) are xyxy in
    pixels, by default the tight boxes of the masks. The higher score is in front, as
    for predicted masks; ties go to the earlier object. Without scores it is the lower
    bottom edge, which on the road is the nearer object; ties go to the later object.
    """
    if any(obj.class_id == IGNORE_CLASS_ID for obj in objects):
        raise ValueError('an ignore region has no box that could be filled')
    boxes = tight_boxes(objects) if boxes is None else np.asarray(boxes, dtype=float)
    priority = boxes[:, 3] if scores is None else np.asarray(scores)
    if boxes.shape != (len(objects), 4) or priority.shape != (len(objects),):
        raise ValueError(
            f'{len(objects)} objects need as many boxes and scores, got '
            f'{boxes.shape} and {priority.shape}'
        )
    corners = np.round(boxes).astype(int)
    members = defaultdict(list)
    for index, obj in enumerate(objects):
        members[obj.frame_id].append(index)

    filled = [*objects]
    for indices in members.values():
        height, width = objects[indices[0]].height, objects[indices[0]].width
        corners[indices] = np.clip(corners[indices], 0, [width, height, width, height])
        canvas = np.full((height, width), -1)
        # From the back to the front; sorted() keeps the order of equals.
        order = indices if scores is None else indices[::-1]
        for index in sorted(order, key=lambda i: priority[i]):
            x1, y1, x2, y2 = corners[index]
            canvas[y1:y2, x1:x2] = index
        for index in indices:
            rle = mask_to_rle(canvas == index)
            filled[index] = objects[index]._replace(rle=rle)
    return filled

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import dataclasses
import math
from collections import defaultdict

import numpy as np

from mmwsmots.fileio.box_readers import BoxFile
from mmwsmots.models.trackers import IoUCosineMatcher

WINDOW = 10  # frames for which a lost object is remembered
MATCH_IOU = 0.3


def track_boxes(file: BoxFile, score_thr: float = 0.0) -> BoxFile:
    """Give boxes of a detector identities, by their overlap from frame to frame.

    :class:`IoUCosineMatcher` with equal embeddings: its similarity is then the IoU with
    the place where a Kalman filter expects the object.

    Args:
        file (BoxFile): Boxes without identities on their frames, from
            :func:`place_boxes`.
        score_thr (float): Boxes of a lower score are left out.

    Returns:
        BoxFile: The same with identities from 1 on, and a notice.
    """
    if math.isnan(score_thr):
        raise ValueError(f'{file.path}: the threshold of scores is {score_thr}')
    frames = defaultdict(list)
    num_low = 0
    for index, box in enumerate(file.boxes):
        is_low = not box.is_ignored and box.score < score_thr
        num_low += is_low
        if not is_low:
            frames[box.frame_id].append(index)
    names = list(dict.fromkeys(box.class_name for box in file.boxes))
    matcher = IoUCosineMatcher(WINDOW, MATCH_IOU, motion='kalman')
    boxes = []
    for frame_id in sorted(frames):
        for index in frames[frame_id]:
            if file.boxes[index].is_ignored:
                boxes.append(file.boxes[index])
        own = [file.boxes[i] for i in frames[frame_id] if not file.boxes[i].is_ignored]
        ids = matcher.match(
            np.array([box.bbox for box in own], dtype=np.float32).reshape(-1, 4),
            np.array([names.index(box.class_name) for box in own], dtype=np.int64),
            np.ones((len(own), 1), dtype=np.float32),
            frame_id + 1,  # frame 0 would start a new video
        )
        boxes += [
            box._replace(track_id=identity + 1)
            for box, identity in zip(own, ids.tolist())
        ]
    notice = (
        f'the boxes have no identities: they were tracked by their overlap, '
        f'{matcher.num_tracks} tracks; {num_low} boxes of a score below {score_thr:g} '
        'are left out'
    )
    return dataclasses.replace(file, boxes=boxes, notices=[*file.notices, notice])

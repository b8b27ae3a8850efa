# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import dataclasses
import math
from itertools import groupby

import numpy as np

from mmwsmots.fileio.box_readers import BoxFile
from mmwsmots.models.trackers import IoUCosineMatcher

WINDOW = 10  # frames for which a lost object is remembered
MATCH_IOU = 0.3


def track_boxes(file: BoxFile, score_thr: float = 0.0) -> BoxFile:
    """Give boxes of a detector identities, by their overlap from frame to frame.

    :class:`IoUCosineMatcher` with equal embeddings: its similarity is then the IoU with
    the place where a Kalman filter expects the object. The boxes, from
    :func:`place_boxes`, get identities from 1 on; those of a score below ``score_thr``
    are left out.
    """
    if math.isnan(score_thr):
        raise ValueError(f'{file.path}: the threshold of scores is {score_thr}')
    kept = [box for box in file.boxes if box.is_ignored or box.score >= score_thr]
    num_low = len(file.boxes) - len(kept)
    names = list(dict.fromkeys(box.class_name for box in file.boxes))
    matcher = IoUCosineMatcher(WINDOW, MATCH_IOU, motion='kalman')
    boxes = []
    kept.sort(key=lambda box: box.frame_id)
    for frame_id, group in groupby(kept, key=lambda box: box.frame_id):
        group = list(group)
        boxes += [box for box in group if box.is_ignored]
        own = [box for box in group if not box.is_ignored]
        ids = matcher.match(
            np.array([box.bbox for box in own], dtype=np.float32).reshape(-1, 4),
            np.array([names.index(box.class_name) for box in own], dtype=np.int64),
            np.ones((len(own), 1), dtype=np.float32),
            frame_id + 1,  # frame 0 would start a new video
        ).tolist()
        boxes += [box._replace(track_id=n + 1) for box, n in zip(own, ids)]
    notice = (
        f'the boxes have no identities: they were tracked by their overlap, '
        f'{matcher.num_tracks} tracks; {num_low} boxes of a score below {score_thr:g} '
        'are left out'
    )
    return dataclasses.replace(file, boxes=boxes, notices=[*file.notices, notice])

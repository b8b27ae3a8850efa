# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mmdet.structures import DetDataSample, TrackDataSample

if TYPE_CHECKING:
    from supervision import Detections


def to_supervision(sample: DetDataSample | TrackDataSample) -> Detections:
    """What was found in a frame, for the package supervision.

    Args:
        sample (:obj:`DetDataSample` | :obj:`TrackDataSample`): Of one frame, with
            ``pred_track_instances``, e.g. from :class:`MOTSInferencer`.

    Returns:
        supervision.Detections: ``xyxy``, ``mask``, ``confidence``, ``class_id``,
        ``tracker_id`` and, where the sample has ``classes``, ``data['class_name']``.

    Raises:
        ImportError: If supervision is not installed; mmwsmots does not ask for it.
        ValueError: If the sample has several frames, or no tracks.
    """
    try:
        from supervision import Detections
    except ImportError as error:
        raise ImportError('to_supervision needs: pip install supervision') from error
    if isinstance(sample, TrackDataSample):
        if len(sample) != 1:
            raise ValueError(f'the sample has {len(sample)} frames, expected one')
        sample = sample[0]
    if 'pred_track_instances' not in sample:
        raise ValueError('the sample has no pred_track_instances')
    found = sample.pred_track_instances.cpu().numpy()
    labels = found.labels.astype(int)
    classes = sample.get('classes')
    data = {}
    if classes is not None:
        data['class_name'] = np.array([classes[label] for label in labels], dtype=str)
    return Detections(
        xyxy=found.bboxes.astype(float).reshape(-1, 4),
        mask=found.masks.astype(bool),
        confidence=found.scores.astype(float),
        class_id=labels,
        tracker_id=found.instances_id.astype(int),
        data=data,
    )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What MMDetection 3.1 took over from MMTracking, from the one that has it.

Beside an older MMDetection and MMTracking 1.0 our losses, heads and trackers work; what
replaces a whole model, data set or metric is not imported.
"""

from .utils.versions import MMDET_TRACKS

if MMDET_TRACKS:
    from mmdet.models.task_modules.tracking import KalmanFilter, embed_similarity
    from mmdet.structures import TrackSampleList
    from mmdet.structures.bbox import bbox_cxcyah_to_xyxy, bbox_xyxy_to_cxcyah

    # Where the sample of a frame keeps what the detector found.
    DETECTIONS = 'pred_instances'
else:
    from mmtrack.models.motion import KalmanFilter
    from mmtrack.models.task_modules.track import embed_similarity
    from mmtrack.structures.bbox import bbox_cxcyah_to_xyxy, bbox_xyxy_to_cxcyah
    from mmtrack.utils import SampleList as TrackSampleList

    DETECTIONS = 'pred_det_instances'

__all__ = [
    'DETECTIONS',
    'MMDET_TRACKS',
    'KalmanFilter',
    'TrackSampleList',
    'bbox_cxcyah_to_xyxy',
    'bbox_xyxy_to_cxcyah',
    'embed_similarity',
]

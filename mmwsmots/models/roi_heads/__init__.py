# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .bbox_heads import GradCAMBBoxHead
from .gradcam_roi_head import GradCAMRoIHead
from .mask_heads import GradCAMMaskHead, MeanFieldTeacher, MOTSMaskHead

__all__ = [
    'GradCAMBBoxHead',
    'GradCAMMaskHead',
    'GradCAMRoIHead',
    'MOTSMaskHead',
    'MeanFieldTeacher',
]

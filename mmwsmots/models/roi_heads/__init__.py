# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .bbox_heads import GradCAMBBoxHead
from .gradcam_cascade_roi_head import GradCAMCascadeRoIHead
from .gradcam_mixin import GradCAMMixin
from .gradcam_roi_head import GradCAMRoIHead
from .mask_heads import (
    CRFMaskHead,
    GradCAMMaskHead,
    MOTSMaskHead,
)
from .roi_extractors import GatherRoIExtractor

__all__ = [
    'CRFMaskHead',
    'GatherRoIExtractor',
    'GradCAMBBoxHead',
    'GradCAMCascadeRoIHead',
    'GradCAMMaskHead',
    'GradCAMMixin',
    'GradCAMRoIHead',
    'MOTSMaskHead',
]

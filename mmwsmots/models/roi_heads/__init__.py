# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .bbox_heads import GradCAMBBoxHead, MOTSBBoxHead
from .gradcam_roi_head import GradCAMCascadeRoIHead, GradCAMRoIHead
from .mask_heads import CRFMaskHead, GradCAMMaskHead, MOTSMaskHead
from .mots_roi_head import MOTSRoIHead
from .roi_extractors import GatherRoIExtractor

__all__ = [
    'CRFMaskHead',
    'GatherRoIExtractor',
    'GradCAMBBoxHead',
    'GradCAMCascadeRoIHead',
    'GradCAMMaskHead',
    'GradCAMRoIHead',
    'MOTSBBoxHead',
    'MOTSMaskHead',
    'MOTSRoIHead',
]

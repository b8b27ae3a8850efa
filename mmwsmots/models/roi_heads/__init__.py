# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .gather_roi_extractor import GatherRoIExtractor
from .gradcam_bbox_head import GradCAMBBoxHead, MOTSBBoxHead
from .gradcam_mask_head import GradCAMMaskHead
from .mots_mask_head import CRFMaskHead, MOTSMaskHead
from .mots_roi_head import GradCAMCascadeRoIHead, GradCAMRoIHead, MOTSRoIHead

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

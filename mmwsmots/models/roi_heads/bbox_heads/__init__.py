# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .gradcam_bbox_head import GradCAMBBoxHead, MOTSBBoxHead

__all__ = ['GradCAMBBoxHead', 'MOTSBBoxHead']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .crf_mask_head import CRFMaskHead
from .gradcam_mask_head import GradCAMMaskHead
from .mots_mask_head import MOTSMaskHead

__all__ = ['CRFMaskHead', 'GradCAMMaskHead', 'MOTSMaskHead']

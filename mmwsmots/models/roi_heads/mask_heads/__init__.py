# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .box_supervised_mask_head import BoxSupervisedMaskHead
from .crf_mask_head import CRFMaskHead
from .gradcam_mask_head import GradCAMMaskHead
from .mots_mask_head import MOTSMaskHead

__all__ = ['BoxSupervisedMaskHead', 'CRFMaskHead', 'GradCAMMaskHead', 'MOTSMaskHead']

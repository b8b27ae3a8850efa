# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .gradcam_mask_head import GradCAMMaskHead
from .mean_field_teacher import MeanFieldTeacher
from .mots_mask_head import MOTSMaskHead

__all__ = ['GradCAMMaskHead', 'MOTSMaskHead', 'MeanFieldTeacher']

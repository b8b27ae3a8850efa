# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .crf_boxinst_mask_head import CRFBoxInstMaskHead

__all__ = ['CRFBoxInstMaskHead']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .box_masker import BoxMasker
from .box_masker_ensemble import BoxMaskerEnsemble
from .crop_decoder import CropDecoder

__all__ = ['BoxMasker', 'BoxMaskerEnsemble', 'CropDecoder']

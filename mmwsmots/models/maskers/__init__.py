# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .box_masker import BoxMasker
from .crop_decoder import CropDecoder

__all__ = ['BoxMasker', 'CropDecoder']

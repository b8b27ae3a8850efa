# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from ...compat import MMDET_TRACKS
from .rgb_det_data_preprocessor import RGBDetDataPreprocessor

__all__ = ['RGBDetDataPreprocessor']
if MMDET_TRACKS:
    from .rgb_data_preprocessor import (
        RGBBoxInstDataPreprocessor,
        RGBTrackDataPreprocessor,
    )

    __all__ += ['RGBBoxInstDataPreprocessor', 'RGBTrackDataPreprocessor']

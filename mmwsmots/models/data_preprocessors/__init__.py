# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .rgb_data_preprocessor import (
    RGBBoxInstDataPreprocessor,
    RGBDetDataPreprocessor,
    RGBTrackDataPreprocessor,
)

__all__ = [
    'RGBBoxInstDataPreprocessor',
    'RGBDetDataPreprocessor',
    'RGBTrackDataPreprocessor',
]

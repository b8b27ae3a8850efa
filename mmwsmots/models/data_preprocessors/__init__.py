# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .rgb_data_preprocessor import RGBDetDataPreprocessor, RGBTrackDataPreprocessor

__all__ = ['RGBDetDataPreprocessor', 'RGBTrackDataPreprocessor']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .gather_roi_extractor import GatherRoIExtractor

__all__ = ['GatherRoIExtractor']

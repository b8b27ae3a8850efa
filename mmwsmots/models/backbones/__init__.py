# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .mobilenet_v2 import FrozenMobileNetV2, TrimmedMobileNetV2

__all__ = ['FrozenMobileNetV2', 'TrimmedMobileNetV2']

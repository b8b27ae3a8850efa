# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .frozen_mobilenet_v2 import FrozenMobileNetV2
from .trimmed_mobilenet_v2 import TrimmedMobileNetV2

__all__ = ['FrozenMobileNetV2', 'TrimmedMobileNetV2']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .bilateral_filter import bilateral_filter

__all__ = ['bilateral_filter']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .bilateral_filter import PreparedFilter, bilateral_filter

__all__ = ['PreparedFilter', 'bilateral_filter']

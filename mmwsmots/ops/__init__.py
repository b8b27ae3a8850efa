# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .bilateral_filter import bilateral_filter
from .prepared_filter import PreparedFilter

__all__ = ['PreparedFilter', 'bilateral_filter']

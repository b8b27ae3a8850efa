# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from . import rgb_data_preprocessor  # noqa: F401

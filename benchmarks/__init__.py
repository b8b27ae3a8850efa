# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from . import common  # noqa: F401  (before torch and mmdet)

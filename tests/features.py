# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Marks of tests that need what not every supported PyTorch can do."""

import pytest

from mmwsmots.utils.checkpoint import TYPES_CAN_BE_NAMED

refuses_code = pytest.mark.skipif(
    not TYPES_CAN_BE_NAMED,
    reason="this PyTorch cannot load mmengine's checkpoints as data alone",
)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .hooks import *  # noqa: F403

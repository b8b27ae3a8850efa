# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os

# Threads that wait give their core away, as torch reads it when it is loaded: spinning
# makes a program several times slower beside any other process.
os.environ.setdefault('OMP_WAIT_POLICY', 'passive')

from .utils.versions import MMDET_TRACKS, check_versions
from .version import __version__

check_versions()

if MMDET_TRACKS:
    from . import registry  # noqa: F401
else:  # registries of this age import nothing by themselves
    from . import engine, models  # noqa: F401

__all__ = ['__version__']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .utils.versions import MMDET_TRACKS, check_versions
from .version import __version__

check_versions()

if MMDET_TRACKS:
    from . import registry  # noqa: F401
else:  # registries of this age import nothing by themselves
    from . import engine, models  # noqa: F401

__all__ = ['__version__']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before mmdet's data sets are imported

from . import transforms
from .box_dataset import BoxDataset
from .mots_dataset import KITTIMOTSDataset, MOTS20Dataset, MOTSDataset
from .samplers import ClipSampler
from .transforms import *  # noqa: F403

__all__ = [
    'BoxDataset',
    'ClipSampler',
    'KITTIMOTSDataset',
    'MOTS20Dataset',
    'MOTSDataset',
    *transforms.__all__,
]

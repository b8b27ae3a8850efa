# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .kitti_mots_dataset import KITTIMOTSDataset
from .mots20_dataset import MOTS20Dataset
from .mots_dataset import MOTSDataset
from .samplers import ClipSampler
from .transforms import ClipFrameSample, LoadAnnotatedFrame, RandomShadow

__all__ = [
    'ClipFrameSample',
    'ClipSampler',
    'KITTIMOTSDataset',
    'LoadAnnotatedFrame',
    'MOTS20Dataset',
    'MOTSDataset',
    'RandomShadow',
]

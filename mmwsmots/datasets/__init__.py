# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before mmdet's data sets are imported

from .benchmark_datasets import KITTIMOTSDataset, MOTS20Dataset
from .box_dataset import BoxDataset
from .mots_dataset import MOTSDataset
from .samplers import ClipSampler
from .transforms import (
    ClipFrameSample,
    LoadAnnotatedFrame,
    LoadMaskScores,
    PackMOTSDetInputs,
    PackMOTSInputs,
)

__all__ = [
    'BoxDataset',
    'ClipFrameSample',
    'ClipSampler',
    'KITTIMOTSDataset',
    'LoadAnnotatedFrame',
    'LoadMaskScores',
    'MOTS20Dataset',
    'MOTSDataset',
    'PackMOTSDetInputs',
    'PackMOTSInputs',
]

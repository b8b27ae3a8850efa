# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import DATASETS

from .mots_dataset import MOTSDataset

MOTS20_SPLITS = dict(
    train=('MOTS20-02', 'MOTS20-05', 'MOTS20-09', 'MOTS20-11'),
    test=('MOTS20-01', 'MOTS20-06', 'MOTS20-07', 'MOTS20-12'),
)


@DATASETS.register_module()
class MOTS20Dataset(MOTSDataset):
    """MOTS20 (MOTSChallenge), or any CocoVID file, with the class pedestrian only.

    Annotations of other classes are left out. The files come from
    ``tools/dataset_converters/mots20_2coco.py``.
    """

    METAINFO = dict(classes=('pedestrian',), palette=[(217, 83, 25)])

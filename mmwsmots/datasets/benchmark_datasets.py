# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import DATASETS

from .mots_dataset import MOTSDataset

OFFICIAL_SPLITS = dict(
    train=(
        *('0000', '0001', '0003', '0004', '0005', '0009'),
        *('0011', '0012', '0015', '0017', '0019', '0020'),
    ),
    val=('0002', '0006', '0007', '0008', '0010', '0013', '0014', '0016', '0018'),
)
MOTS20_SPLITS = dict(
    train=('MOTS20-02', 'MOTS20-05', 'MOTS20-09', 'MOTS20-11'),
    test=('MOTS20-01', 'MOTS20-06', 'MOTS20-07', 'MOTS20-12'),
)


@DATASETS.register_module()
class KITTIMOTSDataset(MOTSDataset):
    """KITTI MOTS, or any CocoVID file with the classes car and pedestrian."""

    METAINFO = dict(
        classes=('car', 'pedestrian'), palette=[(0, 114, 189), (217, 83, 25)]
    )


@DATASETS.register_module()
class MOTS20Dataset(MOTSDataset):
    """MOTS20 (MOTSChallenge), or any CocoVID file, with the class pedestrian only.

    Annotations of other classes are left out. The files come from
    ``tools/dataset_converters/mots20_2coco.py``.
    """

    METAINFO = dict(classes=('pedestrian',), palette=[(217, 83, 25)])

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


@DATASETS.register_module()
class KITTIMOTSDataset(MOTSDataset):
    """KITTI MOTS, or any CocoVID file with the classes car and pedestrian."""

    METAINFO = dict(
        classes=('car', 'pedestrian'), palette=[(0, 114, 189), (217, 83, 25)]
    )

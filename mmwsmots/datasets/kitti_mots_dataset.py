# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.datasets import BaseVideoDataset
from mmdet.registry import DATASETS

OFFICIAL_SPLITS = dict(
    train=(
        *('0000', '0001', '0003', '0004', '0005', '0009'),
        *('0011', '0012', '0015', '0017', '0019', '0020'),
    ),
    val=('0002', '0006', '0007', '0008', '0010', '0013', '0014', '0016', '0018'),
)


@DATASETS.register_module()
class KITTIMOTSDataset(BaseVideoDataset):
    """KITTI MOTS, or any CocoVID file with the classes car and pedestrian.

    Ignore regions (``iscrowd``) become instances with ``ignore_flag`` 1, which
    mmdet packs as ``ignored_instances``.

    In training, mmdet leaves out frames without an annotation unless
    ``filter_cfg=dict(filter_empty_gt=False)``.

    Args:
        *args: See :class:`mmdet.datasets.BaseVideoDataset`.
        with_mask (bool): Whether instances carry their mask. If False, neither
            the mask nor its area leaves the parser of the annotation file, so no
            pipeline or model can see them. Defaults to False.
        **kwargs: See :class:`mmdet.datasets.BaseVideoDataset`.
    """

    METAINFO = dict(
        classes=('car', 'pedestrian'), palette=[(0, 114, 189), (217, 83, 25)]
    )

    def __init__(self, *args, with_mask: bool = False, **kwargs):
        self.with_mask = with_mask
        super().__init__(*args, **kwargs)

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Parse one frame, without its masks unless they are asked for.

        Args:
            raw_data_info (dict): ``raw_img_info`` and ``raw_ann_info`` of the
                annotation file.

        Returns:
            dict: The frame with its ``instances``.
        """
        if not self.with_mask:
            raw_data_info = dict(
                raw_data_info,
                raw_ann_info=[_box_only(ann) for ann in raw_data_info['raw_ann_info']],
            )
        return super().parse_data_info(raw_data_info)


def _box_only(ann: dict) -> dict:
    """The annotation with the area of its box and without its mask."""
    ann = {key: value for key, value in ann.items() if key != 'segmentation'}
    ann['area'] = ann['bbox'][2] * ann['bbox'][3]
    return ann

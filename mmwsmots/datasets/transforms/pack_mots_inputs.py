# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.datasets.transforms import PackDetInputs, PackTrackInputs
from mmdet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackMOTSInputs(PackTrackInputs):
    """mmdet's packing of clips; ``gt_instances`` gets ``mask_scores`` if loaded."""

    mapping_table = PackTrackInputs.mapping_table | {'gt_mask_scores': 'mask_scores'}


@TRANSFORMS.register_module()
class PackMOTSDetInputs(PackDetInputs):
    """mmdet's packing of images; ``gt_instances`` gets ``mask_scores`` if loaded."""

    mapping_table = PackDetInputs.mapping_table | {'gt_mask_scores': 'mask_scores'}

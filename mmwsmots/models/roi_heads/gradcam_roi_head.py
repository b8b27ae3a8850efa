# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from .mots_roi_head import MOTSRoIHead


@MODELS.register_module()
class GradCAMRoIHead(MOTSRoIHead):
    """:class:`MOTSRoIHead` whose :class:`GradCAMBBoxHead` teaches a
    :class:`GradCAMMaskHead`.
    """

    def mask_loss(
        self,
        x: tuple[Tensor],
        sampling_results: list,
        bbox_feats: Tensor,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """As the parent's, of annotations with heat maps."""
        gts = with_cams(x, batch_gt_instances, self.bbox_roi_extractor, self.bbox_head)
        return super().mask_loss(x, sampling_results, bbox_feats, gts)


def with_cams(
    x: tuple[Tensor],
    batch_gt_instances: InstanceList,
    roi_extractor: nn.Module,
    bbox_head: nn.Module,
) -> InstanceList:
    """Shallow copies of annotations with heat maps of the boxes, ``cams`` (n, s, s)."""
    rois = bbox2roi([gts.bboxes for gts in batch_gt_instances])
    with torch.no_grad():
        bbox_feats = roi_extractor(x[: roi_extractor.num_inputs], rois)
    labels = [gts.labels for gts in batch_gt_instances]
    cams = bbox_head.cams(bbox_feats, torch.cat(labels)).split(list(map(len, labels)))
    copies = []
    for gts, maps in zip(batch_gt_instances, cams):
        copied = InstanceData(**dict(gts.items()), cams=maps)
        for name, value in gts.metainfo_items():
            # set_metainfo would copy the images.
            copied.set_field(value, name, None, 'metainfo')
        copies.append(copied)
    return copies


@MODELS.register_module()
class GradCAMCascadeRoIHead(CascadeRoIHead):
    """As :class:`GradCAMRoIHead`, with both heads in every stage of a cascade."""

    def mask_loss(
        self,
        stage: int,
        x: tuple[Tensor],
        sampling_results: list,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """As the parent's, of annotations with heat maps."""
        batch_gt_instances = with_cams(
            x, batch_gt_instances, self.bbox_roi_extractor[stage], self.bbox_head[stage]
        )
        return super().mask_loss(stage, x, sampling_results, batch_gt_instances)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor, nn


@MODELS.register_module()
class MOTSRoIHead(StandardRoIHead):
    """:class:`StandardRoIHead` whose :class:`MOTSMaskHead` a track head learns from."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.with_mask:
            self.mask_head.build_refiner(self.test_cfg)  # refuses wrong options now

    def loss(self, *args) -> dict:
        return self.loss_and_mask_samples(*args)[0]

    def loss_and_mask_samples(self, *args) -> tuple[dict, InstanceList]:
        """The parent's losses, and the positive RoIs of each image.

        These have ``priors`` (P, 4), ``labels`` (P, ), ``mask_probs`` (P, h, w), with
        gradient, and, if annotated, ``instances_ids`` (P, ). Without masks: [].
        """
        losses = super().loss(*args)
        return losses, losses.pop('mask_samples', [])

    def mask_loss(self, x: tuple[Tensor], sampling_results: list, *args) -> dict:
        """As the parent's, and ``mask_samples`` of :meth:`loss_and_mask_samples`."""
        results = super().mask_loss(x, sampling_results, *args)
        batch_gt_instances = args[-1]
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        logits = self.mask_head.class_logits(results['mask_preds'], labels)
        all_probs = logits.sigmoid().split(
            [len(r.pos_priors) for r in sampling_results]
        )
        samples = results['loss_mask']['mask_samples'] = []
        for res, probs, gts in zip(sampling_results, all_probs, batch_gt_instances):
            sample = InstanceData(
                priors=res.pos_priors, labels=res.pos_gt_labels, mask_probs=probs
            )
            if 'instances_ids' in gts:
                sample.instances_ids = gts.instances_ids[res.pos_assigned_gt_inds]
            samples.append(sample)
        return results


@MODELS.register_module()
class GradCAMRoIHead(MOTSRoIHead):
    """:class:`MOTSRoIHead` with :class:`GradCAMBBoxHead`, :class:`GradCAMMaskHead`."""

    def mask_loss(self, x: tuple[Tensor], *args) -> dict:
        """As the parent's, of annotations with heat maps."""
        *args, gts = args
        gts = with_cams(x, gts, self.bbox_roi_extractor, self.bbox_head)
        return super().mask_loss(x, *args, gts)


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

    def mask_loss(self, stage: int, x: tuple[Tensor], *args) -> dict:
        """As the parent's, of annotations with heat maps."""
        *args, gts = args
        gts = with_cams(x, gts, self.bbox_roi_extractor[stage], self.bbox_head[stage])
        return super().mask_loss(stage, x, *args, gts)

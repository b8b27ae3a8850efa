# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor


@MODELS.register_module()
class MOTSRoIHead(StandardRoIHead):
    """:class:`StandardRoIHead` whose :class:`MOTSMaskHead` a track head learns from."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.with_mask:
            self.mask_head.build_refiner(self.test_cfg)  # refuses wrong options now

    def loss(self, *args) -> dict:
        """See the parent."""
        return self.loss_and_mask_samples(*args)[0]

    def loss_and_mask_samples(self, *args) -> tuple[dict, InstanceList]:
        """The parent's losses, and the positive RoIs of each image.

        These have ``priors`` (P, 4), ``labels`` (P, ), ``mask_probs`` (P, h, w), with
        gradient, and, if annotated, ``instances_ids`` (P, ). Without masks: [].
        """
        losses = super().loss(*args)
        return losses, losses.pop('mask_samples', [])

    def mask_loss(
        self,
        x: tuple[Tensor],
        sampling_results: list,
        bbox_feats: Tensor,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """As the parent's, and ``mask_samples`` of :meth:`loss_and_mask_samples`."""
        results = super().mask_loss(x, sampling_results, bbox_feats, batch_gt_instances)
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        logits = self.mask_head.class_logits(results['mask_preds'], labels)
        nums = [len(res.pos_priors) for res in sampling_results]
        all_probs = logits.sigmoid().split(nums)
        samples = results['loss_mask']['mask_samples'] = []
        for res, probs, gts in zip(sampling_results, all_probs, batch_gt_instances):
            sample = InstanceData(
                priors=res.pos_priors, labels=res.pos_gt_labels, mask_probs=probs
            )
            if 'instances_ids' in gts:
                sample.instances_ids = gts.instances_ids[res.pos_assigned_gt_inds]
            samples.append(sample)
        return results

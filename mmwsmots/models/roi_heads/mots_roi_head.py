# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor


@MODELS.register_module()
class MOTSRoIHead(StandardRoIHead):
    """RoI head whose masks the track head learns from.

    Args:
        *args, **kwargs: Of :class:`mmdet.models.StandardRoIHead`, with a
            :class:`MOTSMaskHead`.

    Raises:
        ValueError: If ``test_cfg`` has options of the refiner beside it.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.with_mask:
            self.mask_head.build_refiner(self.test_cfg)  # refuses wrong options now

    def loss(
        self,
        x: tuple[Tensor],
        rpn_results_list: InstanceList,
        batch_data_samples: SampleList,
    ) -> dict:
        """Losses of the box and mask branches, see the parent."""
        return self.loss_and_mask_samples(x, rpn_results_list, batch_data_samples)[0]

    def loss_and_mask_samples(
        self,
        x: tuple[Tensor],
        rpn_results_list: InstanceList,
        batch_data_samples: SampleList,
    ) -> tuple[dict, InstanceList]:
        """Losses, and the masks that they were computed of.

        Returns:
            tuple[dict[str, Tensor], list[:obj:`InstanceData`]]: Loss components, and
            for each image the positive RoIs: ``priors`` (P, 4), ``labels``
            (P, ), ``mask_probs`` (P, h, w), with gradient, and, where the annotations
            have them, ``instances_ids`` (P, ). No sample without a mask branch.
        """
        losses = super().loss(x, rpn_results_list, batch_data_samples)
        return losses, losses.pop('mask_samples', [])

    def mask_loss(
        self,
        x: tuple[Tensor],
        sampling_results: list,
        bbox_feats: Tensor,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """As the parent's, with the samples of :meth:`loss_and_mask_samples`.

        They are ``loss_mask.mask_samples``.
        """
        results = super().mask_loss(x, sampling_results, bbox_feats, batch_gt_instances)
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        logits = self.mask_head.class_logits(results['mask_preds'], labels)
        nums = [len(res.pos_priors) for res in sampling_results]
        samples = [
            InstanceData(
                priors=res.pos_priors, labels=res.pos_gt_labels, mask_probs=probs
            )
            for res, probs in zip(sampling_results, logits.sigmoid().split(nums))
        ]
        for sample, res, gts in zip(samples, sampling_results, batch_gt_instances):
            if 'instances_ids' in gts:
                sample.instances_ids = gts.instances_ids[res.pos_assigned_gt_inds]
        results['loss_mask']['mask_samples'] = samples
        return results

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor

from .gradcam_mixin import GradCAMMixin


@MODELS.register_module()
class GradCAMRoIHead(GradCAMMixin, StandardRoIHead):
    """RoI head that feeds heat maps to the mask head and masks to the track head.

    Args:
        *args, **kwargs: Of :class:`GradCAMMixin` and of
            :class:`mmdet.models.StandardRoIHead`.
    """

    def compute_cams(self, x: tuple[Tensor], batch_gt_instances: InstanceList) -> None:
        """Set ``cams`` of every image's true boxes, see :meth:`attach_cams`."""
        self.attach_cams(x, batch_gt_instances, self.bbox_roi_extractor, self.bbox_head)

    def loss(
        self,
        x: tuple[Tensor],
        rpn_results_list: InstanceList,
        batch_data_samples: SampleList,
    ) -> dict:
        """Losses of the box and mask branches.

        Args:
            x (tuple[Tensor]): Feature maps of all levels.
            rpn_results_list (list[:obj:`InstanceData`]): Proposals.
            batch_data_samples (list[:obj:`DetDataSample`]): Annotations. Each
                image's ``gt_instances`` gets the field ``cams`` and the metainfo
                ``mask_samples``, see :meth:`mask_loss`.

        Returns:
            dict[str, Tensor]: Loss components.
        """
        if self.with_mask and getattr(self.mask_head, 'needs_cams', False):
            self.compute_cams(x, unpack_gt_instances(batch_data_samples)[0])
        return super().loss(x, rpn_results_list, batch_data_samples)

    def mask_loss(
        self,
        x: tuple[Tensor],
        sampling_results: list,
        bbox_feats: Tensor,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """Run the mask branch on its own RoIs.

        Leaves the RoIs as metainfo ``mask_samples`` on each ``gt_instances``: an
        :obj:`InstanceData` of ``priors`` (P, 4), ``labels`` (P, ), ``mask_probs``
        (P, h, w), with gradient, and, where the annotations have them,
        ``instances_ids`` (P, ).

        Args:
            x (tuple[Tensor]): Feature maps of all levels.
            sampling_results (list[:obj:`SamplingResult`]): Of the box branch.
            bbox_feats (Tensor): Not used: the mask branch has its own RoIs.
            batch_gt_instances (list[:obj:`InstanceData`]): Annotations.

        Returns:
            dict: As mmdet's, with ``mask_preds`` and ``loss_mask``.
        """
        sampling_results = self.mask_samplings(sampling_results, batch_gt_instances)
        results = super().mask_loss(x, sampling_results, bbox_feats, batch_gt_instances)

        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        logits = self.mask_head.class_logits(results['mask_preds'], labels)
        nums = [len(res.pos_priors) for res in sampling_results]
        for gts, res, masks in zip(
            batch_gt_instances, sampling_results, logits.sigmoid().split(nums)
        ):
            samples = InstanceData(
                priors=res.pos_priors, labels=res.pos_gt_labels, mask_probs=masks
            )
            if 'instances_ids' in gts:
                samples.instances_ids = gts.instances_ids[res.pos_assigned_gt_inds]
            # set_metainfo would copy the masks out of the graph.
            gts.set_field(samples, 'mask_samples', None, 'metainfo')
        return self.log_gradients(results)

    def predict_mask(
        self,
        x: tuple[Tensor],
        batch_img_metas: list[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        """Predict masks, see :meth:`GradCAMMixin.predict_mask`.

        Args:
            x (tuple[Tensor]): Feature maps of all levels.
            batch_img_metas (list[dict]): Image information.
            results_list (list[:obj:`InstanceData`]): Detections at network scale.
            rescale (bool): Whether to give boxes and masks at the original scale.

        Returns:
            list[:obj:`InstanceData`]: Also with ``mask_probs`` (n, h, w), on the
            grids of ``mask_rois``.
        """
        results_list = super().predict_mask(x, batch_img_metas, results_list, rescale)
        for res in results_list:
            if 'mask_probs' not in res:  # an image without detections
                size = self.train_cfg.mask_size if self.train_cfg else 28
                res.mask_probs = res.bboxes.new_zeros((0, size, size))
        return results_list

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import SampleList
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList, OptConfigType
from mmengine.structures import InstanceData
from torch import Tensor

from ..utils.box_clipping import clip_masks, fill_uncovered
from ..utils.roi_grid import expand_bboxes
from .mask_heads.gradcam_mask_head import stack_rgb


@MODELS.register_module()
class GradCAMRoIHead(StandardRoIHead):
    """RoI head that feeds heat maps to the mask head and masks to the track head.

    Args:
        mask_context (float): Side of a mask RoI over the side of its box, in
            training and at test. Defaults to 1.0.
        mask_roi_sampler (dict, optional): Draws the mask RoIs of training from the
            true boxes, e.g. :class:`JitteredRoISampler`. None takes the positive
            proposals. Defaults to None.
        mask_teacher (dict, optional): :class:`MeanFieldTeacher`, which adds
            ``loss_teacher``. Defaults to None.
        *args, **kwargs: Of :class:`mmdet.models.StandardRoIHead`. With
            ``test_cfg.mean_field`` masks follow the image, see
            :func:`refine_logits`, with ``test_cfg.clip_masks`` a mask ends at its
            detection's box, with ``test_cfg.max_empty_share`` it reaches the box's
            sides, see :func:`tight_thresholds`, and with ``test_cfg.min_coverage``
            one that misses much of them gives way to the filled box, see
            :func:`fill_uncovered`.

    Attributes:
        log_mask_gradients (bool): Whether the losses come with the norms of their
            gradients at the mask logits; :class:`MaskGuardHook` switches it on.
    """

    def __init__(
        self,
        *args,
        mask_context: float = 1.0,
        mask_roi_sampler: OptConfigType = None,
        mask_teacher: OptConfigType = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if self.with_mask and self.share_roi_extractor:
            raise ValueError('GradCAMRoIHead needs a mask_roi_extractor of its own')
        self.log_mask_gradients = False
        self.mask_context = mask_context
        self.mask_roi_sampler = (
            TASK_UTILS.build(mask_roi_sampler) if mask_roi_sampler else None
        )
        self.mask_teacher = (
            MODELS.build(dict(mask_teacher, mask_head=self.mask_head))
            if mask_teacher
            else None
        )

    def compute_cams(self, x: tuple[Tensor], batch_gt_instances: InstanceList) -> None:
        """Set ``cams`` (num_gts, s, s) of every image's true boxes.

        Args:
            x (tuple[Tensor]): Feature maps of all levels.
            batch_gt_instances (list[:obj:`InstanceData`]): With ``bboxes``,
                ``labels``.
        """
        with torch.no_grad():
            bbox_feats = self.bbox_roi_extractor(
                x[: self.bbox_roi_extractor.num_inputs],
                bbox2roi([gts.bboxes for gts in batch_gt_instances]),
            )
        labels = torch.cat([gts.labels for gts in batch_gt_instances])
        cams = self.bbox_head.cams(bbox_feats, labels)
        for gts, maps in zip(
            batch_gt_instances, cams.split([len(gts) for gts in batch_gt_instances])
        ):
            gts.cams = maps

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
                ``frame_id`` and ``mask_samples``, see :meth:`mask_loss`.

        Returns:
            dict[str, Tensor]: Loss components.
        """
        if getattr(self.mask_head, 'needs_cams', False):
            self.compute_cams(x, unpack_gt_instances(batch_data_samples)[0])
        for sample in batch_data_samples:
            if 'frame_id' in sample:
                sample.gt_instances.set_metainfo(dict(frame_id=sample.frame_id))
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
        if self.mask_roi_sampler is not None:
            sampling_results = [
                self.mask_roi_sampler.sample(gts) for gts in batch_gt_instances
            ]
        if self.mask_context != 1:
            sampling_results = [copy.copy(res) for res in sampling_results]
            for res in sampling_results:
                res.pos_priors = expand_bboxes(res.pos_priors, self.mask_context)
        results = super().mask_loss(x, sampling_results, bbox_feats, batch_gt_instances)

        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        logits = self.mask_head.class_logits(results['mask_preds'], labels)
        if self.mask_teacher is not None:
            results['loss_mask'].update(
                self.mask_teacher.loss(
                    self.mask_head,
                    logits,
                    results['mask_feats'],
                    labels,
                    bbox2roi([res.pos_priors for res in sampling_results]),
                    torch.cat([res.pos_gt_bboxes for res in sampling_results]),
                    stack_rgb(batch_gt_instances),
                )
            )
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
        if self.log_mask_gradients:
            results['loss_mask'].update(
                gradient_norms(results['loss_mask'], results['mask_preds'])
            )
        return results

    def predict_mask(
        self,
        x: tuple[Tensor],
        batch_img_metas: list[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        """Predict masks on the expanded boxes of detections.

        Args:
            x (tuple[Tensor]): Feature maps of all levels.
            batch_img_metas (list[dict]): Image information.
            results_list (list[:obj:`InstanceData`]): Detections at network scale.
            rescale (bool): Whether to give boxes and masks at the original scale.

        Returns:
            list[:obj:`InstanceData`]: With ``bboxes`` (n, 4) and ``masks`` (n, H,
            W) as mmdet gives them, ``mask_probs`` (n, h, w) and the network-scale
            ``mask_rois`` (n, 4) on whose grid those lie.
        """
        rois = [expand_bboxes(res.bboxes, self.mask_context) for res in results_list]
        for res, expanded in zip(results_list, rois):
            res.det_bboxes = res.bboxes
            # mmdet rescales the boxes it pastes at in place.
            res.bboxes = expanded.clone()
        results_list = super().predict_mask(x, batch_img_metas, results_list, rescale)
        for res, meta, expanded in zip(results_list, batch_img_metas, rois):
            bboxes = res.pop('det_bboxes')
            if rescale:
                bboxes = bboxes / bboxes.new_tensor(meta['scale_factor']).repeat(2)
            res.bboxes = bboxes
            res.mask_rois = expanded
            if 'mask_probs' not in res:  # an image without detections
                size = self.train_cfg.mask_size if self.train_cfg else 28
                res.mask_probs = bboxes.new_zeros((0, size, size))
            if self.test_cfg.get('clip_masks', False):
                res.masks = clip_masks(res.masks, bboxes)
            if self.test_cfg.get('min_coverage') is not None:
                res.masks = fill_uncovered(
                    res.masks, bboxes, self.test_cfg.min_coverage
                )
        return results_list


def gradient_norms(losses: dict, mask_preds: Tensor) -> dict[str, Tensor]:
    """Norm of each loss's gradient at the mask logits, in thousandths.

    The unit is for the log, which shows four decimals.

    Args:
        losses (dict[str, Tensor]): Scalars; those named ``loss_*`` count.
        mask_preds (Tensor): The logits, part of their graph.

    Returns:
        dict[str, Tensor]: ``mask_grad_X`` for each ``loss_X``, a scalar.
    """
    norms = {}
    for name, value in losses.items():
        if name.startswith('loss_') and value.requires_grad:
            (grad,) = torch.autograd.grad(value, mask_preds, retain_graph=True)
            norms[name.replace('loss_', 'mask_grad_', 1)] = 1e3 * grad.norm()
    return norms

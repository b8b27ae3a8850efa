# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy

import torch
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList, OptConfigType
from torch import Tensor, nn

from ..utils.box_clipping import clip_masks, fill_uncovered
from ..utils.pseudo_labels import check_per_class
from ..utils.roi_grid import expand_bboxes


class GradCAMMixin:
    """What :class:`GradCAMMaskHead` needs of one of mmdet's RoI heads.

    Heat maps of the true boxes, and mask RoIs that are not the boxes: in training
    (:meth:`mask_samplings`) and at test (:meth:`predict_mask`).

    Args:
        mask_context (float): Side of a mask RoI over the side of its box, in
            training and at test. Defaults to 1.0.
        mask_roi_sampler (dict, optional): Draws the mask RoIs of training from the
            true boxes, e.g. :class:`JitteredRoISampler`. None takes the positive
            proposals. Defaults to None.
        *args, **kwargs: Of the RoI head. With ``test_cfg.mean_field`` masks follow
            the image, see :func:`refine_logits`, with ``test_cfg.clip_masks`` a
            mask ends at its detection's box, with ``test_cfg.max_empty_share``, one
            for all classes or one per class, it reaches the box's sides, see
            :func:`tight_thresholds`, and with ``test_cfg.min_coverage`` one that
            misses much of them gives way to the filled box, see
            :func:`fill_uncovered`.

    Attributes:
        log_mask_gradients (bool): Whether the losses come with the norms of their
            gradients at the mask logits; :class:`MaskGuardHook` switches it on.

    Raises:
        ValueError: If ``max_empty_share`` has not a value for every class.
    """

    def __init__(
        self,
        *args,
        mask_context: float = 1.0,
        mask_roi_sampler: OptConfigType = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if self.with_mask and self.share_roi_extractor:
            raise ValueError(
                f'{type(self).__name__} needs a mask_roi_extractor of its own'
            )
        shares = (self.test_cfg or {}).get('max_empty_share')
        for head in self.mask_heads:
            check_per_class('test_cfg.rcnn.max_empty_share', shares, head.num_classes)
        self.log_mask_gradients = False
        self.mask_context = mask_context
        self.mask_roi_sampler = (
            TASK_UTILS.build(mask_roi_sampler) if mask_roi_sampler else None
        )

    @property
    def mask_heads(self) -> list[nn.Module]:
        """list[nn.Module]: The mask head, that of each stage, or none."""
        if not self.with_mask:
            return []
        stages = isinstance(self.mask_head, nn.ModuleList)
        return list(self.mask_head) if stages else [self.mask_head]

    @staticmethod
    def attach_cams(
        x: tuple[Tensor],
        batch_gt_instances: InstanceList,
        roi_extractor: nn.Module,
        bbox_head: nn.Module,
    ) -> None:
        """Set ``cams`` (num_gts, s, s) of every image's true boxes.

        Args:
            x (tuple[Tensor]): Feature maps of all levels.
            batch_gt_instances (list[:obj:`InstanceData`]): With ``bboxes``,
                ``labels``.
            roi_extractor (nn.Module): Of the box branch.
            bbox_head (nn.Module): :class:`GradCAMBBoxHead`.
        """
        with torch.no_grad():
            bbox_feats = roi_extractor(
                x[: roi_extractor.num_inputs],
                bbox2roi([gts.bboxes for gts in batch_gt_instances]),
            )
        labels = torch.cat([gts.labels for gts in batch_gt_instances])
        cams = bbox_head.cams(bbox_feats, labels)
        for gts, maps in zip(
            batch_gt_instances, cams.split([len(gts) for gts in batch_gt_instances])
        ):
            gts.cams = maps

    def mask_samplings(
        self, sampling_results: list, batch_gt_instances: InstanceList
    ) -> list:
        """The mask branch's own RoIs.

        Args:
            sampling_results (list[:obj:`SamplingResult`]): Of the box branch.
            batch_gt_instances (list[:obj:`InstanceData`]): Annotations.

        Returns:
            list[:obj:`SamplingResult`]: One for each image; those given are left
            as they were.
        """
        if self.mask_roi_sampler is not None:
            sampling_results = [
                self.mask_roi_sampler.sample(gts) for gts in batch_gt_instances
            ]
        if self.mask_context != 1:
            sampling_results = [copy.copy(res) for res in sampling_results]
            for res in sampling_results:
                res.pos_priors = expand_bboxes(res.pos_priors, self.mask_context)
        return sampling_results

    def log_gradients(self, results: dict) -> dict:
        """Add the norms of the losses' gradients, if they are asked for.

        Args:
            results (dict): Of mmdet's ``mask_loss``: ``loss_mask``, which gets them,
                and ``mask_preds``.

        Returns:
            dict: The same.
        """
        if self.log_mask_gradients:
            losses = results['loss_mask']
            losses.update(gradient_norms(losses, results['mask_preds']))
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
            W) as mmdet gives them and the network-scale ``mask_rois`` (n, 4).
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

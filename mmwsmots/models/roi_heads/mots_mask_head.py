# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from inspect import signature

import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import ConfigType, InstanceList, OptConfigType
from mmengine.config import ConfigDict
from torch import Tensor

from ..task_modules.mask_refiner import MaskRefiner
from ..utils.roi_grid import box_masks_on_rois, crop_rois, stack_rgb


@MODELS.register_module()
class MOTSMaskHead(FCNMaskHead):
    """FCN mask head whose detections keep their soft masks for mask pooling.

    Fourth powers of ``gt_instances.mask_scores`` (n, ), in [0, 1], if all images have
    them, weigh the RoIs in the cross entropy.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.log_statistics = False  # MaskGuardHook switches area_statistics on
        self.paste_masks = True  # MOTSNet with a masker switches masks of images off

    def class_logits(self, mask_preds: Tensor, labels: Tensor) -> Tensor:
        """Each mask's own channel of (N, num_classes or 1, h, w): (N, h, w)."""
        if self.class_agnostic:
            return mask_preds[:, 0]
        return mask_preds[torch.arange(len(labels), device=labels.device), labels]

    def loss_and_target(
        self,
        mask_preds: Tensor,
        sampling_results: list,
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> dict:
        """As the parent's, weighted by scores, and with :meth:`extra_losses`."""
        results = super().loss_and_target(
            mask_preds, sampling_results, batch_gt_instances, rcnn_train_cfg
        )
        losses = results['loss_mask']
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        logits = self.class_logits(mask_preds, labels)
        if all('mask_scores' in gts for gts in batch_gt_instances):
            scores = [
                gts.mask_scores[res.pos_assigned_gt_inds]
                for gts, res in zip(batch_gt_instances, sampling_results)
            ]
            weights = torch.cat(scores) ** 4
            cells = F.binary_cross_entropy_with_logits(
                logits, results['mask_targets'], reduction='none'
            )
            total = (cells.mean(dim=(1, 2)) * weights).sum()
            mean = total / weights.sum().clamp(min=1e-6)
            losses['loss_mask'] = self.loss_mask.loss_weight * mean
        losses.update(self.extra_losses(logits, sampling_results, batch_gt_instances))
        return results

    def extra_losses(
        self, logits: Tensor, sampling_results: list, batch_gt_instances: InstanceList
    ) -> dict[str, Tensor]:
        """What joins the loss of masks, of logits (N, h, w) of the positive RoIs."""
        if not self.log_statistics:
            return {}
        return self.area_statistics(logits, sampling_results)

    @staticmethod
    @torch.no_grad()
    def area_statistics(logits: Tensor, sampling_results: list) -> dict[str, Tensor]:
        """``mask_area`` of logits (N, h, w): mean of areas in boxes over the boxes'."""
        box_masks = box_masks_on_rois(
            torch.cat([res.pos_gt_bboxes for res in sampling_results]),
            torch.cat([res.pos_priors for res in sampling_results]),
            logits.shape[-1],
        )
        areas = box_masks.sum(dim=(1, 2))
        ratios = ((logits >= 0) & box_masks).sum(dim=(1, 2)) / areas
        return dict(mask_area=ratios[areas > 0].mean()) if areas.any() else {}

    def predict_by_feat(
        self,
        mask_preds: tuple[Tensor],
        results_list: InstanceList,
        batch_img_metas: list[dict],
        rcnn_test_cfg: ConfigDict,
        rescale: bool = False,
        activate_map: bool = False,
    ) -> InstanceList:
        """As the parent's, after the ``mask_refiner`` of ``rcnn_test_cfg``.

        Results also have the network-scale boxes as ``mask_rois`` (n, 4), and on their
        grids ``mask_probs`` (n, h, w) in [0, 1].
        """
        refiner = self.build_refiner(rcnn_test_cfg)
        for i, (preds, meta) in enumerate(zip(mask_preds, batch_img_metas)):
            results = results_list[i]
            if len(results) == 0:
                args = [preds], [results], [meta], rcnn_test_cfg
                (results_list[i],) = super().predict_by_feat(*args)
                results_list[i].mask_rois = preds.new_zeros(0, 4)
                results_list[i].mask_probs = preds[:, 0]
                continue
            logits = self.class_logits(preds, results.labels)
            if activate_map:
                logits = logits.logit(eps=1e-6)
            bboxes = results.bboxes
            rois = F.pad(bboxes, (1, 0))  # all of image 0
            images = meta['rgb'][None] if 'rgb' in meta else None
            logits = refiner.refine_logits(logits, rois, bboxes, images)
            results.mask_rois, results.mask_probs = bboxes, logits.sigmoid()
            if rescale:
                scale = bboxes.new_tensor(meta['scale_factor']).repeat(2)
                results.bboxes = bboxes / scale
            if not self.paste_masks:
                continue
            threshold = rcnn_test_cfg.mask_thr_binary
            logits = refiner.shift_logits(logits, rois, bboxes, threshold)
            # mmdet rescales the RoIs in place.
            args = torch.zeros_like(results.labels), meta, rcnn_test_cfg, rescale
            logits, bboxes = logits[:, None], bboxes.clone()
            results.masks = self._predict_by_feat_single(logits, bboxes, *args)
        return results_list

    def build_refiner(self, rcnn_test_cfg: ConfigDict | None) -> MaskRefiner:
        """The refiner of a ``test_cfg``; its options beside it are a ValueError."""
        cfg = rcnn_test_cfg or {}
        for name in signature(MaskRefiner).parameters:
            if name in cfg:
                raise ValueError(
                    f'test_cfg.rcnn.{name} belongs into test_cfg.rcnn.mask_refiner='
                    f"dict(type='MaskRefiner', {name}=...)"
                )
        return TASK_UTILS.build(cfg.get('mask_refiner') or dict(type='MaskRefiner'))


@MODELS.register_module()
class CRFMaskHead(MOTSMaskHead):
    """:class:`MOTSMaskHead` with L_CRF beside its cross entropy.

    It reads the images that :class:`RGBDetDataPreprocessor` hands on.

    Args:
        crf_size (int): Side of the masks and crops of L_CRF.
        loss_crf (dict, optional): :class:`CRFLoss`; None leaves it out.
    """

    def __init__(
        self,
        *args,
        crf_size: int = 128,
        loss_crf: OptConfigType = dict(type='CRFLoss'),
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.crf_size = crf_size
        self.loss_crf = MODELS.build(loss_crf) if loss_crf else None

    def extra_losses(
        self, logits: Tensor, sampling_results: list, batch_gt_instances: InstanceList
    ) -> dict[str, Tensor]:
        """As the parent's, and ``loss_crf`` of masks and colours, both resampled."""
        losses = super().extra_losses(logits, sampling_results, batch_gt_instances)
        if self.loss_crf is not None:
            size = self.crf_size
            probs = logits.float().sigmoid()[:, None]
            probs = F.interpolate(probs, (size, size), mode='bilinear')[:, 0]
            rois = bbox2roi([res.pos_priors for res in sampling_results])
            crops = crop_rois(stack_rgb(batch_gt_instances), rois, size)
            losses['loss_crf'] = self.loss_crf(probs, crops)
        return losses

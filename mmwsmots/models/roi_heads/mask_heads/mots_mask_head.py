# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from mmdet.utils import ConfigType, InstanceList
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ...utils.mask_statistics import foreground_ratio, known_statistics
from ...utils.mean_field import refine_logits
from ...utils.pseudo_labels import thresholds_of
from ...utils.roi_grid import box_masks_on_rois


@MODELS.register_module()
class MOTSMaskHead(FCNMaskHead):
    """FCN mask head whose detections keep their soft masks for mask pooling.

    Args:
        num_upsample_convs (int): 3x3 convolutions between the upsampling and the
            predictor. With ``upsample_cfg=dict(type='bilinear', scale_factor=2)``
            they replace the deconvolution, whose sub-pixel phases can satisfy box
            projections with a checkerboard. Defaults to 0.
        *args, **kwargs: Of :class:`mmdet.models.FCNMaskHead`.

    Attributes:
        log_statistics (bool): Whether the losses come with statistics of the masks
            for the log; :class:`MaskGuardHook` switches it on.
    """

    def __init__(self, *args, num_upsample_convs: int = 0, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.log_statistics = False
        if num_upsample_convs > 0:
            channels = self.conv_logits.in_channels
            convs = [
                ConvModule(channels, channels, 3, padding=1)
                for _ in range(num_upsample_convs)
            ]
            self.upsample = nn.Sequential(self.upsample, *convs)

    def class_logits(self, mask_preds: Tensor, labels: Tensor) -> Tensor:
        """Logits of the channel that belongs to each mask's class.

        Args:
            mask_preds (Tensor): Shape (N, num_classes or 1, h, w).
            labels (Tensor): Shape (N, ), dtype long.

        Returns:
            Tensor: Shape (N, h, w).
        """
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
        """Losses of the positive RoIs, see :meth:`FCNMaskHead.loss_and_target`.

        Args:
            mask_preds (Tensor): Logits, shape (num_pos, num_classes, h, w).
            sampling_results (list[:obj:`SamplingResult`]): Positive RoIs per image.
            batch_gt_instances (list[:obj:`InstanceData`]): With ``masks``. Where they
                have ``mask_scores`` (num_gts, ) in [0, 1], the cross entropy is the
                mean over RoIs weighted by them.
            rcnn_train_cfg (:obj:`ConfigDict`): With ``mask_size``.

        Returns:
            dict: As mmdet's; may have statistics for the log in ``loss_mask``.
        """
        results = super().loss_and_target(
            mask_preds, sampling_results, batch_gt_instances, rcnn_train_cfg
        )
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        if all('mask_scores' in gts for gts in batch_gt_instances):
            weights = torch.cat(
                [
                    gts.mask_scores[res.pos_assigned_gt_inds]
                    for gts, res in zip(batch_gt_instances, sampling_results)
                ]
            )
            losses = F.binary_cross_entropy_with_logits(
                self.class_logits(mask_preds, labels),
                results['mask_targets'],
                reduction='none',
            ).mean(dim=(1, 2))
            mean = (losses * weights).sum() / weights.sum().clamp(min=1e-6)
            results['loss_mask']['loss_mask'] = self.loss_mask.loss_weight * mean
        if self.log_statistics:
            box_masks = box_masks_on_rois(
                torch.cat([res.pos_gt_bboxes for res in sampling_results]),
                torch.cat([res.pos_priors for res in sampling_results]),
                mask_preds.shape[-1],
            )
            results['loss_mask'].update(
                self.area_statistics(self.class_logits(mask_preds, labels), box_masks)
            )
        return results

    @staticmethod
    @torch.no_grad()
    def area_statistics(logits: Tensor, box_masks: Tensor) -> dict[str, Tensor]:
        """Foreground ratios of masks, for the log.

        Args:
            logits (Tensor): Of the masks' own classes, shape (N, h, w).
            box_masks (Tensor): Bool indicator of the boxes, shape (N, h, w).

        Returns:
            dict[str, Tensor]: ``mask_area`` at threshold 0.5, ``mask_area_soft``;
            nothing without masks.
        """
        return known_statistics(
            dict(
                mask_area=foreground_ratio(logits >= 0, box_masks),
                mask_area_soft=foreground_ratio(logits.sigmoid(), box_masks),
            )
        )

    def predict_by_feat(
        self,
        mask_preds: tuple[Tensor],
        results_list: InstanceList,
        batch_img_metas: list[dict],
        rcnn_test_cfg: ConfigDict,
        rescale: bool = False,
        activate_map: bool = False,
    ) -> InstanceList:
        """Paste masks as mmdet does and keep the soft ones as ``mask_probs``.

        Args:
            mask_preds (tuple[Tensor]): Per image, shape (n, num_classes, h, w).
            results_list (list[:obj:`InstanceData`]): Detections per image, with
                ``bboxes``, the RoIs of the masks, and ``det_bboxes``, the boxes of
                the detections, both (n, 4) at network scale.
            batch_img_metas (list[dict]): Image information.
            rcnn_test_cfg (:obj:`ConfigDict`): With ``mean_field``, a dict of
                ``size`` and other arguments of :func:`refine_logits`, masks are
                refined by the image first. With ``max_empty_share``, one or one per
                class, see :func:`tight_thresholds`, a mask's threshold may be lower
                than ``mask_thr_binary``, and that of what the image refines lower
                than 0.5.
            rescale (bool): Whether to give boxes and masks at the original scale.
            activate_map (bool): Whether ``mask_preds`` are probabilities, the mean
                of several heads', rather than logits. Defaults to False.

        Returns:
            list[:obj:`InstanceData`]: With ``masks`` (n, H, W), bool, and
            ``mask_probs`` (n, h, w) in [0, 1] on the mask RoI's grid.
        """
        share = rcnn_test_cfg.get('max_empty_share')
        mean_field = rcnn_test_cfg.get('mean_field')
        if activate_map:
            mask_preds = [probs.logit(eps=1e-6) for probs in mask_preds]
        shifted = []
        for preds, results, meta in zip(mask_preds, results_list, batch_img_metas):
            if mean_field is not None and len(results) > 0:
                if share is not None:  # start from a mask that reaches its box's sides
                    probs = self.class_logits(preds, results.labels).sigmoid()
                    preds = preds + tight_shifts(probs, results, share, 0.5)
                preds = self._refine(preds, results, meta, mean_field)
            results.mask_probs = self.class_logits(preds, results.labels).sigmoid()
            if share is not None and len(results) > 0:
                # Masks are pasted at one threshold: move the logits to it.
                high = rcnn_test_cfg.mask_thr_binary
                preds = preds + tight_shifts(results.mask_probs, results, share, high)
            shifted.append(preds)
        return super().predict_by_feat(
            shifted, results_list, batch_img_metas, rcnn_test_cfg, rescale
        )

    def _refine(
        self, preds: Tensor, results: InstanceData, meta: dict, mean_field: ConfigDict
    ) -> Tensor:
        """Mean field on the detections of one image, shape (n, num_classes, s, s)."""
        if 'rgb' not in meta:
            raise KeyError(
                "test_cfg.rcnn.mean_field needs the image's 'rgb': use "
                'RGBDetDataPreprocessor or RGBTrackDataPreprocessor'
            )
        rois = F.pad(results.bboxes, (1, 0))  # all of image 0
        logits = refine_logits(
            self.class_logits(preds, results.labels),
            rois,
            results.det_bboxes,
            meta['rgb'][None],
            **mean_field,
        )
        return logits[:, None].expand(-1, preds.shape[1], -1, -1)


def tight_shifts(
    mask_probs: Tensor,
    results: InstanceData,
    max_empty_share: float | list[float],
    mask_thr: float,
) -> Tensor:
    """What moves the tight thresholds of masks, as logits, to the given threshold.

    Args:
        mask_probs (Tensor): Soft masks, shape (N, s, s), in [0, 1].
        results (:obj:`InstanceData`): Their RoIs ``bboxes`` and the detections'
            ``det_bboxes``, both (N, 4), and ``labels`` (N, ).
        max_empty_share (float | list[float]): One or one per class.
        mask_thr (float): Of all masks.

    Returns:
        Tensor: Shape (N, 1, 1, 1).
    """
    boxes = box_masks_on_rois(results.det_bboxes, results.bboxes, mask_probs.shape[-1])
    shares = thresholds_of(max_empty_share, results.labels)
    low = tight_thresholds(mask_probs, boxes, shares, mask_thr)
    return (low.new_tensor(mask_thr).logit() - low.logit()).view(-1, 1, 1, 1)


def tight_thresholds(
    mask_probs: Tensor,
    box_masks: Tensor,
    max_empty_share: float | Tensor,
    mask_thr: float = 0.5,
    floor: float = 0.02,
) -> Tensor:
    """Thresholds at which masks reach the sides of their tight boxes.

    A tight box has a part of its object in every row and column. The threshold of
    a mask is the highest, at most ``mask_thr``, at which no more than the given
    share of the rows, or of the columns, of the box stays empty.

    Args:
        mask_probs (Tensor): Soft masks, shape (N, H, W), in [0, 1].
        box_masks (Tensor): Bool indicator of the boxes, shape (N, H, W).
        max_empty_share (float | Tensor): In [0, 1], one or one of each mask, (N, ).
        mask_thr (float): Upper limit. Defaults to 0.5.
        floor (float): Lower limit. Defaults to 0.02.

    Returns:
        Tensor: Shape (N, ).
    """
    thresholds = mask_probs.new_full((len(mask_probs),), mask_thr)
    inside = mask_probs.masked_fill(~box_masks, -1.0)
    for dim in (1, 2):
        in_box = box_masks.any(dim=dim)
        nums = in_box.sum(dim=1)
        peaks = inside.amax(dim=dim).masked_fill(~in_box, float('inf'))
        may_be_empty = (nums * max_empty_share + 1e-4).long().clamp(max=nums - 1)
        reach = peaks.sort(dim=1).values.gather(1, may_be_empty.clamp(min=0)[:, None])
        thresholds = torch.minimum(thresholds, reach[:, 0])
    return thresholds.clamp(min=floor)

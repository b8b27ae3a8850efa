# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import ConfigType, InstanceList, OptConfigType
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ...utils.mask_statistics import known_statistics, label_shares
from ...utils.pseudo_labels import check_per_class, pseudo_labels
from ...utils.roi_grid import box_masks_on_rois, crop_rois
from .mots_mask_head import MOTSMaskHead


@MODELS.register_module()
class BoxSupervisedMaskHead(MOTSMaskHead):
    """Mask head that learns from boxes and colour, never from masks.

    It reads from each image's ``gt_instances``: ``bboxes``, ``labels`` and, as
    metainfo, ``rgb`` (set by the data preprocessor).

    Args:
        overlap (str): What other boxes say about a cell, see :func:`pseudo_labels`.
        crf_size (int): Side of the masks and crops of L_CRF.
        loss_loc (dict): :class:`PartialCrossEntropyLoss`.
        loss_crf (dict, optional): :class:`CRFLoss`.
        loss_projection (dict, optional): :class:`BoxProjectionLoss`.
        loss_pairwise (dict, optional): :class:`PairwiseAffinityLoss`.
        *args, **kwargs: Of :class:`MOTSMaskHead`.
    """

    def __init__(
        self,
        *args,
        overlap: str = 'void',
        crf_size: int = 128,
        loss_loc: ConfigType = dict(type='PartialCrossEntropyLoss'),
        loss_crf: OptConfigType = None,
        loss_projection: OptConfigType = None,
        loss_pairwise: OptConfigType = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        topk = (loss_projection or {}).get('topk')
        check_per_class('loss_projection.topk', topk, self.num_classes)
        self.overlap = overlap
        self.crf_size = crf_size
        losses = dict(
            loss_loc=loss_loc,
            loss_crf=loss_crf,
            loss_projection=loss_projection,
            loss_pairwise=loss_pairwise,
        )
        for name, cfg in losses.items():
            setattr(self, name, MODELS.build(cfg) if cfg else None)

    def get_targets(
        self,
        sampling_results: list,
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> Tensor:
        """Pseudo labels of the positive RoIs of a batch.

        Args:
            sampling_results (list[:obj:`SamplingResult`]): Positive RoIs per image.
            batch_gt_instances (list[:obj:`InstanceData`]): Annotations, see the class.
            rcnn_train_cfg (:obj:`ConfigDict`): Its ``mask_size`` is the side.

        Returns:
            Tensor: Shape (num_pos, mask_size, mask_size), int8: 0, 1, -1 (void).
        """
        args = zip(sampling_results, batch_gt_instances)
        size = rcnn_train_cfg.mask_size
        return torch.cat([self._image_targets(*parts, size) for parts in args])

    def _image_targets(
        self, sampled: SamplingResult, gts: InstanceData, size: int, **heat
    ) -> Tensor:
        """Pseudo labels of one image."""
        heat = heat or dict(cams=None, cam_thr=None)
        return pseudo_labels(
            gt_bboxes=gts.bboxes,
            rois=sampled.pos_priors,
            gt_inds=sampled.pos_assigned_gt_inds,
            size=size,
            overlap=self.overlap,
            **heat,
        )

    def loss_and_target(
        self,
        mask_preds: Tensor,
        sampling_results: list,
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> dict:
        """Losses of the positive RoIs, from logits (num_pos, num_classes, h, w).

        Returns:
            dict: ``loss_mask`` (dict of the losses) and ``mask_targets``.
        """
        targets = self.get_targets(sampling_results, batch_gt_instances, rcnn_train_cfg)
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        logits = self.class_logits(mask_preds, labels)
        losses = dict(loss_loc=self.loss_loc(logits, targets))

        rois = bbox2roi([res.pos_priors for res in sampling_results])
        size = logits.shape[-1]
        bboxes = torch.cat([res.pos_gt_bboxes for res in sampling_results])
        box_masks = box_masks_on_rois(bboxes, rois[:, 1:], size)
        if self.loss_projection:
            losses['loss_projection'] = self.loss_projection(
                logits.sigmoid(), box_masks, labels
            )
        if self.loss_pairwise:
            crops = crop_rois(stack_rgb(batch_gt_instances), rois, size)
            losses['loss_pairwise'] = self.loss_pairwise(logits, crops, box_masks)
        if self.loss_crf:
            images = stack_rgb(batch_gt_instances)
            losses['loss_crf'] = crf_on_rois(
                self.loss_crf, logits, images, rois, self.crf_size
            )
        if self.log_statistics:
            losses.update(self.area_statistics(logits, box_masks))
            losses.update(self.label_statistics(targets, batch_gt_instances))
        return dict(loss_mask=losses, mask_targets=targets)

    def label_statistics(
        self, targets: Tensor, batch_gt_instances: InstanceList
    ) -> dict[str, Tensor]:
        """What the labels of :meth:`get_targets` are worth, for the log.

        Returns:
            dict[str, Tensor]: ``label_positive``, ``label_void``; nothing without
            labels.
        """
        positive, void = label_shares(targets)
        return known_statistics(dict(label_positive=positive, label_void=void))


def stack_rgb(batch_gt_instances: InstanceList) -> Tensor:
    """The images of a batch, RGB in 0..255, shape (B, 3, H, W)."""
    images = [gts.get('rgb') for gts in batch_gt_instances]
    if any(image is None for image in images):
        raise KeyError(
            "gt_instances has no 'rgb': use RGBDetDataPreprocessor or "
            'RGBTrackDataPreprocessor as data_preprocessor'
        )
    return torch.stack(images)


def crf_on_rois(
    loss_crf: nn.Module, logits: Tensor, images: Tensor, rois: Tensor, size: int
) -> Tensor:
    """L_CRF of masks and the colours of the same RoIs, both resampled.

    Args:
        loss_crf (nn.Module): :class:`CRFLoss`.
        logits (Tensor): On the grids of the RoIs, shape (N, h, w).
        images (Tensor): RGB in 0..255, shape (B, 3, H, W).
        rois (Tensor): Shape (N, 5): image index, x1, y1, x2, y2 in pixels.
        size (int): Side of the masks and crops that are compared.
    """
    probs = logits.float().sigmoid()[:, None]
    probs = F.interpolate(probs, (size, size), mode='bilinear')[:, 0]
    return loss_crf(probs, crop_rois(images, rois, size))

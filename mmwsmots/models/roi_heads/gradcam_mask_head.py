# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from mmdet.utils import ConfigType, InstanceList
from torch import Tensor

from ..utils.pseudo_labels import pseudo_labels
from .crf_mask_head import CRFMaskHead


@MODELS.register_module()
class GradCAMMaskHead(CRFMaskHead):
    r"""Mask head that learns from boxes, Grad-CAM and colour, never from masks.

    :math:`L_{mask} = L_{loc} + \lambda_{CRF} L_{CRF}` (Ruiz et al., eq. 6). It reads
    ``bboxes``, ``labels`` and ``cams`` (num_gts, s, s), from the RoI head, of each
    image's ``gt_instances``, and the images as the parent does.

    Args:
        cam_thr (float): :math:`\mu_A`.
        overlap (str): What other boxes say about a cell, see :func:`pseudo_labels`.
        loss_loc (dict): :class:`PartialCrossEntropyLoss`.
    """

    def __init__(
        self,
        *args,
        cam_thr: float = 0.5,
        overlap: str = 'void',
        loss_loc: ConfigType = dict(type='PartialCrossEntropyLoss'),
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.cam_thr = cam_thr
        self.overlap = overlap
        self.loss_loc = MODELS.build(loss_loc)

    def get_targets(
        self,
        sampling_results: list,
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> Tensor:
        """:func:`pseudo_labels` (num_pos, mask_size, mask_size) of positive RoIs."""
        options = rcnn_train_cfg.mask_size, self.cam_thr, self.overlap
        targets = []
        for res, gts in zip(sampling_results, batch_gt_instances):
            rois, inds = res.pos_priors, res.pos_assigned_gt_inds
            targets.append(pseudo_labels(gts.cams, gts.bboxes, rois, inds, *options))
        return torch.cat(targets)

    def loss_and_target(
        self,
        mask_preds: Tensor,
        sampling_results: list,
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> dict:
        """Losses of the positive RoIs, see the parent."""
        targets = self.get_targets(sampling_results, batch_gt_instances, rcnn_train_cfg)
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        logits = self.class_logits(mask_preds, labels)
        losses = self.extra_losses(logits, sampling_results, batch_gt_instances)
        losses['loss_loc'] = self.loss_loc(logits, targets)
        return dict(loss_mask=losses, mask_targets=targets)

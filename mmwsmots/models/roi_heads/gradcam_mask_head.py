# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.utils import ConfigType, InstanceList
from torch import Tensor

from ..utils.roi_grid import box_masks_on_rois
from .mots_mask_head import CRFMaskHead

OVERLAPS = ('void', 'background', 'union')


def sample_cams(cams: Tensor, bboxes: Tensor, rois: Tensor, size: int) -> Tensor:
    """Heat maps (P, h, w) of boxes (P, 4) on the grids of RoIs: (P, size, size)."""
    sides = (bboxes[:, 2:] - bboxes[:, :2]).clamp(min=1e-6)
    scale = (rois[:, 2:] - rois[:, :2]) / sides
    shift = (rois[:, :2] + rois[:, 2:] - bboxes[:, :2] - bboxes[:, 2:]) / sides
    theta = torch.cat([scale.diag_embed(), shift[..., None]], dim=2).to(cams.dtype)
    grid = F.affine_grid(theta, (len(cams), 1, size, size), align_corners=False)
    return F.grid_sample(
        cams[:, None], grid, padding_mode='border', align_corners=False
    )[:, 0]


def pseudo_labels(
    cams: Tensor,
    gt_bboxes: Tensor,
    rois: Tensor,
    gt_inds: Tensor,
    size: int,
    cam_thr: float = 0.5,
    overlap: str = 'void',
) -> Tensor:
    r"""Partial ground truth of RoIs from the heat maps of the true boxes.

    Equation 7 of Ruiz et al.: a cell of the RoI is 1 where it lies in the matched box r
    and :math:`G_r \ge \mu_A`, 0 where it lies in no true box, void (-1) elsewhere;
    with the ``overlap`` 'background' 0 wherever it is outside the matched box, with
    'union' 1 where any box's map passes (the equation read literally).

    Args:
        cams (Tensor): Normalised heat maps, shape (G, h, w).
        gt_bboxes (Tensor): True boxes of the image, shape (G, 4), xyxy in pixels.
        rois (Tensor): RoIs of the same image, shape (P, 4).
        gt_inds (Tensor): Index of the matched true box, shape (P, ), dtype long.
        size (int): Cells per side of the label, int8, (P, size, size).
        cam_thr (float): :math:`\mu_A`.
    """
    if overlap not in OVERLAPS:
        raise ValueError(f'overlap must be one of {OVERLAPS}, got {overlap!r}')
    num_rois, num_gts = len(rois), len(gt_bboxes)
    labels = rois.new_full((num_rois, size, size), -1, dtype=torch.int8)
    if num_rois == 0:
        return labels

    in_boxes = box_masks_on_rois(gt_bboxes[None].expand(num_rois, -1, -1), rois, size)
    rows = torch.arange(num_rois, device=rois.device)
    own_box = in_boxes[rows, gt_inds]
    background = ~own_box if overlap == 'background' else ~in_boxes.any(dim=1)
    labels[background] = 0

    roi_inds, box_inds = rows, gt_inds
    if overlap == 'union':
        roi_inds = rows.repeat_interleave(num_gts)
        box_inds = torch.arange(num_gts, device=rois.device).repeat(num_rois)
    heat = sample_cams(cams[box_inds], gt_bboxes[box_inds], rois[roi_inds], size)
    positive = (heat >= cam_thr) & in_boxes[roi_inds, box_inds]
    labels[positive.view(num_rois, -1, size, size).any(dim=1)] = 1
    return labels


@MODELS.register_module()
class GradCAMMaskHead(CRFMaskHead):
    r"""Mask head that learns from boxes, Grad-CAM and colour, never from masks.

    :math:`L_{mask} = L_{loc} + \lambda_{CRF} L_{CRF}` (Ruiz et al., eq. 6), of the
    RoI head's ``gt_instances.cams`` (num_gts, s, s).

    Args:
        cam_thr (float): :math:`\mu_A`.
        overlap (str): 'void', 'background' or 'union', see :func:`pseudo_labels`.
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

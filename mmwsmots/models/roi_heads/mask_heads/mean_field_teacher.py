# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import ExponentialMovingAverage
from torch import Tensor, nn

from ...utils.mean_field import refine_logits
from ...utils.roi_grid import box_masks_on_rois
from .mots_mask_head import MOTSMaskHead


@MODELS.register_module()
class MeanFieldTeacher(nn.Module):
    """Masks of a slowly following mask head, refined by the image, as targets.

    Mean teacher (Tarvainen and Valpola, NeurIPS 2017) on the mask head alone: the
    teacher is the moving average of the student's weights and sees the same RoI
    features. Its masks go through mean-field inference on the image, as in the mask
    auto-labeler of Lan et al. (CVPR 2023), are cut at the boxes, and become soft
    targets.

    Args:
        mask_head (:obj:`MOTSMaskHead`): The student, of which a copy is made.
        momentum (float): Weight of the student in the average. Defaults to 0.01.
        mean_field (dict): ``size`` and other arguments of :func:`refine_logits`.
        begin (int): Iterations before the loss starts. Defaults to 0.
        ramp (int): Iterations in which it then grows from 0 to its full weight.
            Defaults to 0.
        loss_teacher (dict): Loss of logits and soft targets in [0, 1], both
            (N, h, w).
    """

    def __init__(
        self,
        mask_head: MOTSMaskHead,
        momentum: float = 0.01,
        mean_field: ConfigType = dict(size=56),
        begin: int = 0,
        ramp: int = 0,
        loss_teacher: ConfigType = dict(type='CrossEntropyLoss', use_sigmoid=True),
    ) -> None:
        super().__init__()
        self.average = ExponentialMovingAverage(mask_head, momentum)
        self.mean_field = mean_field
        self.begin = begin
        self.ramp = ramp
        self.loss_teacher = MODELS.build(loss_teacher)

    @torch.no_grad()
    def targets(
        self,
        mask_feats: Tensor,
        labels: Tensor,
        rois: Tensor,
        bboxes: Tensor,
        images: Tensor,
    ) -> Tensor:
        """Refined masks of the teacher.

        Args:
            mask_feats (Tensor): RoI features, shape (N, C, s, s).
            labels (Tensor): Classes, shape (N, ), dtype long.
            rois (Tensor): Shape (N, 5): image index, x1, y1, x2, y2 in pixels.
            bboxes (Tensor): Boxes of the objects, shape (N, 4), xyxy in pixels.
            images (Tensor): RGB in 0..255, shape (B, 3, H, W).

        Returns:
            Tensor: Shape (N, h, w) in [0, 1], 0 outside the boxes.
        """
        head = self.average.module
        logits = head.class_logits(head(mask_feats), labels)
        refined = refine_logits(logits, rois, bboxes, images, **self.mean_field)
        probs = F.adaptive_avg_pool2d(refined.sigmoid(), logits.shape[1:])
        return probs * box_masks_on_rois(bboxes, rois[:, 1:], logits.shape[-1])

    def loss(
        self, mask_head: MOTSMaskHead, logits: Tensor, mask_feats: Tensor, *args
    ) -> dict[str, Tensor]:
        """Let the teacher follow the student and the student learn from the teacher.

        Args:
            mask_head (:obj:`MOTSMaskHead`): The student.
            logits (Tensor): Its logits of the masks' own classes, (N, h, w).
            mask_feats (Tensor): RoI features, shape (N, C, s, s).
            *args: Of :meth:`targets`.

        Returns:
            dict[str, Tensor]: ``loss_teacher``.
        """
        num_iters = int(self.average.steps)
        self.average.update_parameters(mask_head)
        factor = min((num_iters - self.begin + 1) / (self.ramp + 1), 1.0)
        if factor <= 0 or len(logits) == 0:
            return dict(loss_teacher=logits.sum() * 0)
        targets = self.targets(mask_feats, *args)
        return dict(loss_teacher=factor * self.loss_teacher(logits.float(), targets))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.registry import TASK_UTILS
from mmengine.structures import InstanceData

from ..utils.roi_grid import expand_bboxes


@TASK_UTILS.register_module()
class JitteredRoISampler:
    """RoIs for the mask loss that do not tell where the true box is.

    When the RoI is the box, "everything" is a function of position alone and the mask
    collapses to the filled box. Random shifts and scales of the true boxes take that
    shortcut away.

    Args:
        num_per_gt (int): RoIs per true box.
        max_per_img (int): At most so many RoIs per image, drawn at random.
        center_jitter (float): Largest shift as a share of the box's sides.
        scale_jitter (float): Largest absolute log ratio of the sides, drawn apart for
            width and height.
    """

    def __init__(
        self,
        num_per_gt: int = 2,
        max_per_img: int = 16,
        center_jitter: float = 0.2,
        scale_jitter: float = 0.2,
    ) -> None:
        self.num_per_gt = num_per_gt
        self.max_per_img = max_per_img
        self.center_jitter = center_jitter
        self.scale_jitter = scale_jitter

    def sample(self, gt_instances: InstanceData) -> SamplingResult:
        """Draw the RoIs of one image.

        Args:
            gt_instances (:obj:`InstanceData`): ``bboxes`` (G, 4), xyxy in pixels,
                ``labels``.

        Returns:
            :obj:`SamplingResult`: All RoIs are positive and know their true box.
        """
        bboxes, labels = gt_instances.bboxes, gt_instances.labels
        gt_inds = torch.arange(len(bboxes), device=bboxes.device)
        gt_inds = gt_inds.repeat(self.num_per_gt)
        if len(gt_inds) > self.max_per_img:
            keep = torch.randperm(len(gt_inds), device=bboxes.device)
            gt_inds = gt_inds[keep[: self.max_per_img]]
        boxes = bboxes[gt_inds]
        noise = torch.rand((2, len(boxes), 2), device=bboxes.device) * 2 - 1
        priors = expand_bboxes(
            boxes, (noise[1] * self.scale_jitter).exp(), noise[0] * self.center_jitter
        )
        assigned = AssignResult(
            len(bboxes), gt_inds + 1, torch.ones_like(boxes[:, 0]), labels[gt_inds]
        )
        rows = torch.arange(len(priors), device=bboxes.device)
        return SamplingResult(
            pos_inds=rows,
            neg_inds=rows[:0],
            priors=priors,
            gt_bboxes=bboxes,
            assign_result=assigned,
            gt_flags=torch.zeros_like(rows, dtype=torch.uint8),
        )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.registry import MODELS
from mmdet.utils import InstanceList, OptConfigType
from mmengine.structures import InstanceData
from torch import Tensor

from ...utils.mask_statistics import cam_rim_precision, known_statistics
from ...utils.pseudo_labels import check_per_class, thresholds_of
from .box_supervised_mask_head import BoxSupervisedMaskHead


@MODELS.register_module()
class GradCAMMaskHead(BoxSupervisedMaskHead):
    r"""Mask head that learns from boxes, Grad-CAM and colour, never from masks.

    :math:`L_{mask} = L_{loc} + \lambda_{CRF} L_{CRF}` (Ruiz et al., eq. 6), and
    optionally a box projection and a pairwise colour loss (BoxInst). Beside what its
    parent reads, each image's ``gt_instances`` has ``cams`` (num_gts, s, s), from the
    RoI head.

    Args:
        cam_thr (float | list[float]): :math:`\mu_A`, one or one per class.
        loss_crf (dict, optional): :class:`CRFLoss`.
        *args, **kwargs: Of :class:`BoxSupervisedMaskHead`.
    """

    def __init__(
        self,
        *args,
        cam_thr: float | list[float] = 0.5,
        loss_crf: OptConfigType = dict(type='CRFLoss'),
        **kwargs,
    ) -> None:
        super().__init__(*args, loss_crf=loss_crf, **kwargs)
        check_per_class('cam_thr', cam_thr, self.num_classes)
        self.cam_thr = cam_thr

    def _image_targets(
        self, sampled: SamplingResult, gts: InstanceData, size: int
    ) -> Tensor:
        """Pseudo labels of one image, with positive cells from the heat maps."""
        thresholds = thresholds_of(self.cam_thr, gts.labels)
        return super()._image_targets(
            sampled, gts, size, cams=gts.cams, cam_thr=thresholds
        )

    def label_statistics(
        self, targets: Tensor, batch_gt_instances: InstanceList
    ) -> dict[str, Tensor]:
        """As the parent's, and ``cam_rim_precision``."""
        cams = torch.cat([gts.cams for gts in batch_gt_instances])
        labels = torch.cat([gts.labels for gts in batch_gt_instances])
        thresholds = thresholds_of(self.cam_thr, labels)
        precision = dict(cam_rim_precision=cam_rim_precision(cams, thresholds))
        return {
            **super().label_statistics(targets, batch_gt_instances),
            **known_statistics(precision),
        }

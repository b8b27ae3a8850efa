# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from torch import Tensor

from .gradcam_roi_head import with_cams
from .mask_roi_mixin import MaskRoIMixin


@MODELS.register_module()
class GradCAMCascadeRoIHead(MaskRoIMixin, CascadeRoIHead):
    """Cascade RoI head whose mask heads learn from boxes.

    The heat maps of a stage come from its own box head. At test the stages' masks are
    averaged, as in Cascade Mask R-CNN.

    Args:
        *args, **kwargs: Of :class:`MaskRoIMixin` and of
            :class:`mmdet.models.CascadeRoIHead`, with :class:`GradCAMBBoxHead` and
            :class:`GradCAMMaskHead` in every stage.
    """

    def mask_loss(
        self,
        stage: int,
        x: tuple[Tensor],
        sampling_results: list,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """As the parent's, on a stage's own RoIs and annotations with heat maps."""
        batch_gt_instances = with_cams(
            x, batch_gt_instances, self.bbox_roi_extractor[stage], self.bbox_head[stage]
        )
        samplings = self.mask_samplings(sampling_results, batch_gt_instances)
        return super().mask_loss(stage, x, samplings, batch_gt_instances)

    def mask_logits(self, x: tuple[Tensor], rois: Tensor) -> Tensor:
        """Logits (N, num_classes, h, w) of the stages' mean probabilities at test."""
        probs = [
            self._mask_forward(stage, x, rois)['mask_preds'].sigmoid()
            for stage in range(self.num_stages)
        ]
        return torch.stack(probs).mean(dim=0).logit(eps=1e-6)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from torch import Tensor

from .gradcam_roi_head import with_cams


@MODELS.register_module()
class GradCAMCascadeRoIHead(CascadeRoIHead):
    """Cascade RoI head whose mask heads learn from boxes.

    The heat maps of a stage come from its own box head.

    Args:
        *args, **kwargs: Of :class:`mmdet.models.CascadeRoIHead`, with
            :class:`GradCAMBBoxHead` and :class:`GradCAMMaskHead` in every stage.
    """

    def mask_loss(
        self,
        stage: int,
        x: tuple[Tensor],
        sampling_results: list,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """As the parent's, of annotations with heat maps."""
        batch_gt_instances = with_cams(
            x, batch_gt_instances, self.bbox_roi_extractor[stage], self.bbox_head[stage]
        )
        return super().mask_loss(stage, x, sampling_results, batch_gt_instances)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from torch import Tensor

from .gradcam_mixin import GradCAMMixin


@MODELS.register_module()
class GradCAMCascadeRoIHead(GradCAMMixin, CascadeRoIHead):
    """Cascade RoI head whose mask heads learn from boxes.

    The heat maps of a stage come from its own box head. At test the stages' masks
    are averaged, as in Cascade Mask R-CNN.

    Args:
        *args, **kwargs: Of :class:`GradCAMMixin` and of
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
        """Run a stage's mask branch on its own RoIs.

        Args:
            stage (int): Number of the stage.
            x (tuple[Tensor]): Feature maps of all levels.
            sampling_results (list[:obj:`SamplingResult`]): Of the box branch.
            batch_gt_instances (list[:obj:`InstanceData`]): Annotations; they get
                the field ``cams``.

        Returns:
            dict: As mmdet's, with ``mask_preds`` and ``loss_mask``.
        """
        if getattr(self.mask_head[stage], 'needs_cams', False):
            self.attach_cams(
                x,
                batch_gt_instances,
                self.bbox_roi_extractor[stage],
                self.bbox_head[stage],
            )
        samplings = self.mask_samplings(sampling_results, batch_gt_instances)
        results = super().mask_loss(stage, x, samplings, batch_gt_instances)
        return self.log_gradients(results)

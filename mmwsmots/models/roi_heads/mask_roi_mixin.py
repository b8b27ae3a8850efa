# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy

from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList, OptConfigType
from torch import Tensor, nn

from ..utils.roi_grid import expand_bboxes


class MaskRoIMixin:
    """Mask RoIs that are not the boxes, for one of mmdet's RoI heads.

    Args:
        mask_context (float): Side of a mask RoI over the side of its box, in training
            and at test.
        mask_roi_sampler (dict, optional): Draws the mask RoIs of training from the true
            boxes, e.g. :class:`JitteredRoISampler`. None takes the positive proposals.
        *args, **kwargs: Of the RoI head. ``test_cfg.mask_refiner`` is a
            :class:`MaskRefiner`.

    Raises:
        ValueError: If the mask branch has no RoI extractor of its own, or the refiner
            does not fit the classes.
    """

    def __init__(
        self,
        *args,
        mask_context: float = 1.0,
        mask_roi_sampler: OptConfigType = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if self.with_mask and self.share_roi_extractor:
            raise ValueError(
                f'{type(self).__name__} needs a mask_roi_extractor of its own'
            )
        for head in self.mask_heads:
            head.build_refiner(self.test_cfg)  # refuses wrong options now
        self.mask_context = mask_context
        self.mask_roi_sampler = (
            TASK_UTILS.build(mask_roi_sampler) if mask_roi_sampler else None
        )

    @property
    def mask_heads(self) -> list[nn.Module]:
        """list[nn.Module]: The mask head, that of each stage, or none."""
        if not self.with_mask:
            return []
        stages = isinstance(self.mask_head, nn.ModuleList)
        return list(self.mask_head) if stages else [self.mask_head]

    def mask_logits(self, x: tuple[Tensor], rois: Tensor) -> Tensor:
        """Mask logits of RoIs (N, 5) at test, shape (N, num_classes, h, w)."""
        raise NotImplementedError

    def mask_samplings(
        self, sampling_results: list, batch_gt_instances: InstanceList
    ) -> list:
        """The mask branch's own RoIs, one :obj:`SamplingResult` for each image."""
        if self.mask_roi_sampler is not None:
            sampling_results = [
                self.mask_roi_sampler.sample(gts) for gts in batch_gt_instances
            ]
        if self.mask_context != 1:
            sampling_results = [copy.copy(res) for res in sampling_results]
            for res in sampling_results:
                res.pos_priors = expand_bboxes(res.pos_priors, self.mask_context)
        return sampling_results

    def predict_mask(
        self,
        x: tuple[Tensor],
        batch_img_metas: list[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        """Predict masks on the expanded boxes of detections.

        Args:
            x (tuple[Tensor]): Feature maps of all levels.
            batch_img_metas (list[dict]): Image information.
            results_list (list[:obj:`InstanceData`]): Detections at network scale.
            rescale (bool): Whether to give boxes and masks at the original scale.

        Returns:
            list[:obj:`InstanceData`]: With ``bboxes`` (n, 4) and ``masks`` (n, H, W) as
            mmdet gives them, the network-scale ``mask_rois`` (n, 4) and ``mask_probs``
            (n, h, w), soft masks on their grids.
        """
        for res in results_list:
            res.mask_rois = expand_bboxes(res.bboxes, self.mask_context)
        preds = self.mask_logits(x, bbox2roi([res.mask_rois for res in results_list]))
        return self.mask_heads[-1].predict_by_feat(
            preds.split([len(res) for res in results_list]),
            results_list,
            batch_img_metas,
            self.test_cfg,
            rescale,
        )

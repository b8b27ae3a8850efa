# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.dense_heads import BoxInstMaskHead
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.structures.mask import mask2bbox
from mmdet.utils import ConfigType, InstanceList
from torch import Tensor

from ..utils.roi_grid import crop_rois, expand_bboxes, stack_rgb

CONTEXT = 1.5  # side of a crop over the side of its box


@MODELS.register_module()
class CRFBoxInstMaskHead(BoxInstMaskHead):
    """BoxInst's mask head with L_CRF beside its projection and pairwise losses.

    L_CRF compares what lies in and around the true box, resampled to a square. It needs
    :class:`RGBBoxInstDataPreprocessor`.

    Args:
        crf_size (int): Side of the masks and crops of L_CRF.
        loss_crf (dict): :class:`CRFLoss`.
    """

    def __init__(
        self,
        *args,
        crf_size: int = 128,
        loss_crf: ConfigType = dict(type='CRFLoss'),
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.crf_size = crf_size
        self.loss_crf = MODELS.build(loss_crf)

    def loss_by_feat(
        self,
        mask_preds: list[Tensor],
        batch_gt_instances: InstanceList,
        batch_img_metas: list[dict],
        positive_infos: InstanceList,
        **kwargs,
    ) -> dict[str, Tensor]:
        """As BoxInst's losses of the positive locations, and ``loss_crf``."""
        losses = super().loss_by_feat(
            mask_preds, batch_gt_instances, batch_img_metas, positive_infos, **kwargs
        )
        images = stack_rgb(batch_gt_instances)
        crops = [
            self._crops(*args)
            for args in zip(mask_preds, images, batch_gt_instances, positive_infos)
        ]
        probs, rgb_crops = (torch.cat(parts) for parts in zip(*crops))
        losses['loss_crf'] = self.loss_crf(probs, rgb_crops)
        return losses

    def _crops(self, preds: Tensor, image: Tensor, *args) -> tuple[Tensor, Tensor]:
        """Masks (n, s, s) and RGB (n, 3, s, s) of what BoxInst selects."""
        preds, box_masks, _, num_pos = self._get_targets_single(preds, *args)
        if num_pos == 0:
            size = (self.crf_size, self.crf_size)
            return preds.new_zeros((0, *size)), image.new_zeros((0, 3, *size))
        bboxes = expand_bboxes(mask2bbox(box_masks), CONTEXT)
        probs = preds.sigmoid()[:, None]
        probs = crop_rois(probs, bbox2roi(bboxes[:, None]), self.crf_size)[:, 0]
        rois = bbox2roi([bboxes * self.mask_out_stride])
        return probs, crop_rois(image[None], rois, self.crf_size)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList, OptConfigType
from torch import Tensor

from ..utils.roi_grid import crop_rois, stack_rgb
from .mots_mask_head import MOTSMaskHead


@MODELS.register_module()
class CRFMaskHead(MOTSMaskHead):
    """Mask head of a supervised Mask R-CNN with L_CRF beside its cross entropy.

    It reads the images that :class:`RGBDetDataPreprocessor` hands on, and runs in
    mmdet's own RoI heads.

    Args:
        crf_size (int): Side of the masks and crops of L_CRF.
        loss_crf (dict, optional): :class:`CRFLoss`; None leaves it out.
    """

    def __init__(
        self,
        *args,
        crf_size: int = 128,
        loss_crf: OptConfigType = dict(type='CRFLoss'),
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.crf_size = crf_size
        self.loss_crf = MODELS.build(loss_crf) if loss_crf else None

    def extra_losses(
        self, logits: Tensor, sampling_results: list, batch_gt_instances: InstanceList
    ) -> dict[str, Tensor]:
        """As the parent's, and ``loss_crf`` of masks and colours, both resampled."""
        losses = super().extra_losses(logits, sampling_results, batch_gt_instances)
        if self.loss_crf is not None:
            size = self.crf_size
            probs = logits.float().sigmoid()[:, None]
            probs = F.interpolate(probs, (size, size), mode='bilinear')[:, 0]
            rois = bbox2roi([res.pos_priors for res in sampling_results])
            crops = crop_rois(stack_rgb(batch_gt_instances), rois, size)
            losses['loss_crf'] = self.loss_crf(probs, crops)
        return losses

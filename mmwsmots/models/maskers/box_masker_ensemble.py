# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from torch import Tensor

from ..utils.roi_grid import roi_cell_centers
from .box_masker import BoxMasker


@MODELS.register_module()
class BoxMaskerEnsemble(BoxMasker):
    """A masker and another one that has to agree: labels for a masker to learn from.

    Above the middle of a box the logit of a cell is the mean of the two networks.
    Below, where shadows are, it is the smaller one, so that foreground is what both
    take for foreground: a first stage that has unlearned shadows closes the gaps
    between legs, which a masker knows. The smaller of two makes small masks, so it is
    cut lower.

    Args:
        other (dict): The other :class:`BoxMasker`; its crops may have another size.
        min_thr_binary (float): The probability that the smaller logit is cut at, where
            ``test_cfg.mask_thr_binary`` is 0.5. Defaults to 0.32.
    """

    def __init__(
        self, *args, other: ConfigType, min_thr_binary: float = 0.32, **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self.other = MODELS.build(other)
        self.min_logit = torch.tensor(min_thr_binary).logit().item()

    def _predict_logits(self, image: Tensor, bboxes: Tensor, rois: Tensor) -> Tensor:
        own = super()._predict_logits(image, bboxes, rois)
        other = self.other._predict_logits(image, bboxes, rois)[:, None]
        size = own.shape[1:]
        other = F.interpolate(other, size, mode='bilinear')[:, 0]
        smaller = torch.minimum(own, other) - self.min_logit
        ys = roi_cell_centers(rois, size[0])[1]
        above = ys < (bboxes[:, 1:2] + bboxes[:, 3:]) / 2
        return torch.where(above[:, :, None], (own + other) / 2, smaller)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from torch import Tensor

from .box_masker import BoxMasker


@MODELS.register_module()
class BoxMaskerEnsemble(BoxMasker):
    """A masker and another one that has to agree: labels for a masker to learn from.

    The logit of a cell is the smaller one of the two networks. It helps where they err
    in different places: a first stage that has unlearned shadows closes the gaps
    between legs, which a masker knows.

    Args:
        other (dict): The other :class:`BoxMasker`; its crops may have another size.
    """

    def __init__(self, *args, other: ConfigType, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.other = MODELS.build(other)

    def _predict_logits(self, image: Tensor, bboxes: Tensor, rois: Tensor) -> Tensor:
        own = super()._predict_logits(image, bboxes, rois)
        other = self.other._predict_logits(image, bboxes, rois)[:, None]
        other = F.interpolate(other, own.shape[1:], mode='bilinear')
        return torch.minimum(own, other[:, 0])

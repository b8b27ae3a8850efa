# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from .mean_loss import MeanLoss


@MODELS.register_module()
class PartialCrossEntropyLoss(MeanLoss):
    """Binary cross entropy over the cells that have a label.

    :math:`L_{loc}` of Ruiz et al. (eq. 8): the mean over the non-void cells of a
    proposal, 0 without any, then the mean over the proposals, see :class:`MeanLoss`.
    """

    def forward(self, mask_logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar, of foreground logits and labels (1, 0, negative: void), (N, h, w)."""
        known = labels >= 0
        cell_loss = F.binary_cross_entropy_with_logits(
            mask_logits.float(), labels.clamp(min=0).float(), reduction='none'
        )
        per_proposal = (cell_loss * known).sum((1, 2)) / known.sum((1, 2)).clamp(min=1)
        return self.mean(per_proposal.sum(), len(per_proposal))

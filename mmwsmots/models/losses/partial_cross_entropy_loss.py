# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn

from ..utils.gathered_mean import gathered_mean


@MODELS.register_module()
class PartialCrossEntropyLoss(nn.Module):
    """Binary cross entropy over the cells that have a label.

    :math:`L_{loc}` of Ruiz et al. (eq. 8): the mean over the non-void cells of a
    proposal, then the mean over the proposals. A proposal without any labelled cell
    counts with 0.

    Args:
        loss_weight (float): Factor on the loss.
        gather (bool): See :func:`gathered_mean`.
    """

    def __init__(self, loss_weight: float = 1.0, gather: bool = False) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.gather = gather

    def forward(self, mask_logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of foreground logits and labels (1, 0, negative: void), (N, h, w).

        A scalar; 0, still part of the graph, when N is 0.
        """
        known = labels >= 0
        cell_loss = F.binary_cross_entropy_with_logits(
            mask_logits.float(), labels.clamp(min=0).float(), reduction='none'
        )
        per_proposal = (cell_loss * known).sum((1, 2)) / known.sum((1, 2)).clamp(min=1)
        return self.loss_weight * gathered_mean(
            per_proposal.sum(), len(per_proposal), self.gather
        )

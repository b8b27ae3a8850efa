# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn


class MeanLoss(nn.Module):
    """Base of losses that are the mean of terms, of this process or of all.

    Distributed training averages the processes' gradients: of sums divided by the mean
    count the average is the mean of all terms.

    Args:
        loss_weight (float): Factor on the loss.
        gather (bool): Whether the terms of all processes count. Then every process has
            to compute the loss, also without terms.
    """

    def __init__(self, loss_weight: float = 1.0, gather: bool = False) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.gather = gather

    def mean(self, total: Tensor, count: int | Tensor) -> Tensor:
        """Mean of ``count`` terms of this sum; of none 0, still part of the graph."""
        count = torch.as_tensor(count, dtype=torch.float32, device=total.device)
        smallest = 1.0
        if self.gather:
            all_reduce(count, 'mean')
            smallest = 1 / get_world_size()
        return self.loss_weight * (total / count.clamp(min=smallest))


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

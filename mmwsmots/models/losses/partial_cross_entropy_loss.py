# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn

from ..utils.gathered_mean import gathered_mean


@MODELS.register_module()
class PartialCrossEntropyLoss(nn.Module):
    r"""Binary cross entropy over the cells that have a label.

    :math:`L_{loc}` of Ruiz et al. (eq. 8): the mean over the non-void cells of a
    proposal, then the mean over the proposals. A proposal without any labelled
    cell counts with 0.

    Args:
        loss_weight (float): Factor on the loss. Defaults to 1.0.
        gather (bool): Whether the mean is over the proposals of all processes, not
            of each its own, see :func:`gathered_mean`. Defaults to False.
        warmup_iters (int): Calls in training over which the loss grows linearly to
            its whole weight. Where most labels are 0, an untrained mask head can be
            driven to empty masks, at which a projection has no gradient, before it
            has learned anything else. Defaults to 0.

    Raises:
        ValueError: If ``warmup_iters`` is negative.
    """

    def __init__(
        self, loss_weight: float = 1.0, gather: bool = False, warmup_iters: int = 0
    ) -> None:
        super().__init__()
        if warmup_iters < 0:
            raise ValueError(f'warmup_iters must not be negative, got {warmup_iters}')
        self.loss_weight = loss_weight
        self.gather = gather
        self.warmup_iters = warmup_iters
        # In the checkpoint, so that a resumed training does not warm up again.
        self.register_buffer(
            'num_iters', torch.zeros((), dtype=torch.long), persistent=warmup_iters > 0
        )

    def forward(self, mask_logits: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            mask_logits (Tensor): Foreground logits, shape (N, h, w).
            labels (Tensor): 1 foreground, 0 background, negative void, (N, h, w).

        Returns:
            Tensor: Scalar; 0, still part of the graph, when N is 0.
        """
        weight = self.loss_weight
        if self.warmup_iters and self.training:
            self.num_iters += 1
            weight = weight * (self.num_iters / self.warmup_iters).clamp(max=1)
        if len(mask_logits) == 0:
            return gathered_mean(mask_logits.sum(), 0, self.gather)
        known = labels >= 0
        cell_loss = F.binary_cross_entropy_with_logits(
            mask_logits.float(), labels.clamp(min=0).float(), reduction='none'
        )
        per_proposal = (cell_loss * known).sum((1, 2)) / known.sum((1, 2)).clamp(min=1)
        return weight * gathered_mean(
            per_proposal.sum(), len(per_proposal), self.gather
        )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from torch import Tensor, nn

from ..utils.gathered_mean import gathered_mean


def topk_projection(mask_probs: Tensor, box_masks: Tensor, share: float) -> Tensor:
    """Project masks on their rows.

    A row that meets the box has the mean of its k best cells inside the box, with k the
    given share of the box's width there (at least one cell); any other row has its
    maximum.

    Args:
        mask_probs (Tensor): Shape (N, H, W).
        box_masks (Tensor): Bool indicator of the boxes, shape (N, H, W).
        share (float): k as a share of the width, 0 is the maximum.

    Returns:
        Tensor: Shape (N, H).
    """
    widths = box_masks.sum(dim=2)
    num_best = (widths * share).round().clamp(min=1)
    # Cells outside the box sort behind those inside; their mean weight is 0.
    inside = torch.where(box_masks, mask_probs, mask_probs.new_full((), -1.0))
    ranked = inside.sort(dim=2, descending=True).values
    ranks = torch.arange(mask_probs.shape[2], device=mask_probs.device)
    best = ranked * (ranks < num_best[..., None])
    return torch.where(widths > 0, best.sum(dim=2) / num_best, mask_probs.amax(dim=2))


@MODELS.register_module()
class BoxProjectionLoss(nn.Module):
    """Dice loss between the projections of a mask and of its tight box.

    Every row and column of a tight box holds a part of the object, those outside hold
    none (BoxInst, Tian et al., CVPR 2021, eq. 3). BoxInst projects with the maximum,
    which one path of cells through the box satisfies; the mean of the k best cells asks
    for an area.

    Args:
        topk (float): k as a share of the box's extent in [0, 1]; 0 is BoxInst's
            maximum.
        loss_weight (float): Factor on the loss.
        gather (bool): See :func:`gathered_mean`.
    """

    def __init__(
        self, topk: float = 0.0, loss_weight: float = 1.0, gather: bool = False
    ) -> None:
        super().__init__()
        if not 0 <= topk <= 1:
            raise ValueError(f'topk must be in [0, 1], got {topk}')
        self.topk = topk
        self.loss_weight = loss_weight
        self.gather = gather

    def forward(self, mask_probs: Tensor, box_masks: Tensor) -> Tensor:
        """Mean over masks of the row and the column loss.

        Args:
            mask_probs (Tensor): Foreground probabilities, shape (N, H, W).
            box_masks (Tensor): Bool indicator of the boxes, shape (N, H, W).

        Returns:
            Tensor: Scalar; 0, still part of the graph, when N is 0.
        """
        mask_probs = mask_probs.float()
        loss = 0.0
        for probs, boxes in (
            (mask_probs, box_masks),
            (mask_probs.transpose(1, 2), box_masks.transpose(1, 2)),
        ):
            projection = topk_projection(probs, boxes, self.topk)
            target = boxes.any(dim=2).to(projection.dtype)
            overlap = (projection * target).sum(dim=1)
            total = projection.square().sum(dim=1) + target.sum(dim=1)
            loss = loss + 1 - 2 * overlap / total.clamp(min=1e-5)
        return self.loss_weight * gathered_mean(loss.sum(), len(loss), self.gather)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from torch import Tensor

from .mean_loss import MeanLoss

GROUND_HEIGHT = 0.3  # of a box's height


def topk_projection(mask_probs: Tensor, box_masks: Tensor, shares: Tensor) -> Tensor:
    """Means (N, H) of the k best cells in the box of each row; outside it, maxima.

    k is the share of the box's width there, at least one.
    """
    widths = box_masks.sum(dim=2)
    num_best = (widths * shares).round().clamp(min=1)
    # Cells outside the box sort behind those inside; their mean weight is 0.
    inside = mask_probs.masked_fill(~box_masks, -1.0)
    ranked = inside.sort(dim=2, descending=True).values
    ranks = torch.arange(mask_probs.shape[2], device=mask_probs.device)
    best = ranked * (ranks < num_best[..., None])
    return torch.where(widths > 0, best.sum(dim=2) / num_best, mask_probs.amax(dim=2))


def ground_factors(box_masks: Tensor, share: float) -> Tensor:
    """Factors (N, H) on k of the rows of boxes, from ``share`` at the ground to 1."""
    in_box = box_masks.any(dim=2).float()
    # Middle of each row, counted from the lower side.
    above = in_box.flip(1).cumsum(dim=1).flip(1) - 0.5
    above = above / in_box.sum(dim=1, keepdim=True).clamp(min=1)
    factors = share + (1 - share) * (above / GROUND_HEIGHT).clamp(0, 1)
    return torch.where(in_box > 0, factors, 1.0)


@MODELS.register_module()
class BoxProjectionLoss(MeanLoss):
    """Dice loss between the projections of a mask and of its tight box.

    Every row and column of a tight box holds a part of the object, those outside none
    (BoxInst, Tian et al., CVPR 2021, eq. 3). The maximum of BoxInst is satisfied by one
    path of cells through the box; the mean of the k best cells asks for an area.

    Args:
        topk (float): k as a share of the box's extent in [0, 1]; 0: the maximum.
        ground_share (float): Factor on k in [0, 1] at the lower side of the box, which
            grows to 1 at 0.3 of its height: only wheels or feet touch the ground, and
            shadow lies between them.
    """

    def __init__(self, topk: float = 0.0, ground_share: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        for name, share in dict(topk=topk, ground_share=ground_share).items():
            if not 0 <= share <= 1:
                raise ValueError(f'{name} must be in [0, 1], got {share}')
        self.topk = topk
        self.ground_share = ground_share

    def forward(self, mask_probs: Tensor, box_masks: Tensor) -> Tensor:
        """Scalar, of probabilities and the bool indicator of boxes, both (N, H, W)."""
        mask_probs = mask_probs.float()
        loss = 0.0
        shares = self.topk * ground_factors(box_masks, self.ground_share)
        for probs, boxes, ks in (
            (mask_probs, box_masks, shares),
            (mask_probs.mT, box_masks.mT, shares.new_full((1, 1), self.topk)),
        ):
            projection = topk_projection(probs, boxes, ks)
            target = boxes.any(dim=2).to(projection.dtype)
            overlap = (projection * target).sum(dim=1)
            total = projection.square().sum(dim=1) + target.sum(dim=1)
            loss = loss + 1 - 2 * overlap / total.clamp(min=1e-5)
        return self.mean(loss.sum(), len(loss))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from torch import Tensor


def tight_thresholds(
    mask_probs: Tensor,
    box_masks: Tensor,
    max_empty_share: float,
    mask_thr: float = 0.5,
    floor: float = 0.02,
) -> Tensor:
    """Thresholds at which masks reach the sides of their tight boxes.

    A tight box has a part of its object in every row and column. The threshold of a
    mask is the highest, from ``floor`` to ``mask_thr``, at which no more than the given
    share of the rows, or of the columns, of the box stays empty.

    Args:
        mask_probs (Tensor): Soft masks, shape (N, H, W), in [0, 1].
        box_masks (Tensor): Bool indicator of the boxes, shape (N, H, W).
        max_empty_share (float): In [0, 1].
        mask_thr (float): Upper limit.
        floor (float): Lower limit.

    Returns:
        Tensor: Shape (N, ).
    """
    thresholds = mask_probs.new_full((len(mask_probs),), mask_thr)
    inside = mask_probs.masked_fill(~box_masks, -1.0)
    for dim in (1, 2):
        in_box = box_masks.any(dim=dim)
        nums = in_box.sum(dim=1)
        peaks = inside.amax(dim=dim).masked_fill(~in_box, float('inf'))
        may_be_empty = (nums * max_empty_share + 1e-4).long().clamp(max=nums - 1)
        reach = peaks.sort(dim=1).values.gather(1, may_be_empty.clamp(min=0)[:, None])
        thresholds = torch.minimum(thresholds, reach[:, 0])
    return thresholds.clamp(min=floor)

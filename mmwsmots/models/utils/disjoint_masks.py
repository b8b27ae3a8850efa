# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from torch import Tensor


def disjoint_masks(masks: Tensor, scores: Tensor) -> Tensor:
    """Give every pixel to the highest score that covers it; ties, to the first.

    ``masks`` and the result are boolean, (N, H, W), else it is a ValueError.
    """
    if masks.dtype != torch.bool or masks.ndim != 3:
        raise ValueError(
            f'masks must be boolean of shape (N, H, W), got {masks.dtype} '
            f'{tuple(masks.shape)}'
        )
    if scores.shape != masks.shape[:1]:
        raise ValueError(
            f'{len(masks)} masks need as many scores, got shape {tuple(scores.shape)}'
        )
    result = torch.empty_like(masks)
    taken = masks.new_zeros(masks.shape[1:])
    for i in scores.argsort(descending=True, stable=True).tolist():
        torch.gt(masks[i], taken, out=result[i])  # mask and not taken, in one pass
        taken |= masks[i]
    return result


def nonempty_masks(masks: Tensor) -> Tensor:
    """Which of contiguous boolean masks (N, H, W) have a pixel, boolean (N, )."""
    # On a CPU any() takes 40 times as long as the maximum of bytes.
    return masks.view(torch.uint8).flatten(1).amax(dim=1) > 0

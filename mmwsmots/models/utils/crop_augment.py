# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from torch import Tensor

from .roi_grid import expand_bboxes


def jittered_rois(bboxes: Tensor, context: float, jitter: float) -> Tensor:
    """RoIs around boxes (N, 4) in pixels that do not tell where exactly the box is.

    ``context`` is the mean side of an RoI over that of its box; ``jitter`` the largest
    shift over the box's sides and change of the logarithm of the scale, both uniform.
    """
    noise = (2 * torch.rand_like(bboxes[:, :3]) - 1) * jitter
    return expand_bboxes(bboxes, context * noise[:, 2:].exp(), noise[:, :2])


def jitter_colors(rgb_crops: Tensor) -> Tensor:
    """Change the colours of crops (N, 3, H, W) in 0..255; a tenth becomes grey."""

    def uniform(low: float, high: float, channels: int = 1) -> Tensor:
        noise = torch.rand(len(rgb_crops), channels, 1, 1, device=rgb_crops.device)
        return low + (high - low) * noise

    crops = rgb_crops * uniform(0.7, 1.3) * uniform(0.9, 1.1, 3)
    mean = crops.mean(dim=(1, 2, 3), keepdim=True)
    crops = mean + (crops - mean) * uniform(0.7, 1.3)
    grey = crops.mean(dim=1, keepdim=True)
    saturation = torch.where(uniform(0, 1) < 0.1, 0.0, uniform(0.4, 1.2))
    return (grey + (crops - grey) * saturation).clamp(0, 255)


def blur_some(crops: Tensor, share: float = 0.2, low: float = 0.25) -> Tensor:
    """Make a ``share`` of crops (N, C, H, W) coarser, ``low`` to 3/4 of their size."""
    height, width = crops.shape[2:]
    ratios = low + (0.75 - low) * torch.rand(len(crops))
    chosen = torch.rand(len(crops)) < share
    out = crops.clone()
    for n in chosen.nonzero()[:, 0].tolist():
        size = [max(round(side * float(ratios[n])), 1) for side in (height, width)]
        coarse = F.interpolate(crops[n : n + 1], size, mode='area')
        out[n] = F.interpolate(coarse, (height, width), mode='bilinear')[0]
    return out

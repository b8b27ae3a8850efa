# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from torch import Tensor


def mask_pool(features: Tensor, masks: Tensor, eps: float = 1e-6) -> Tensor:
    r"""Mean of the features under a soft mask (Porzi et al., CVPR 2020).

    .. math::
        a = \frac{\sum_{ij} S_{ij} F_{ij}}{\sum_{ij} S_{ij}}

    Differentiable in both arguments: the gradient into S is how tracking supervises the
    masks. Half precision is raised to float32, under autocast too.

    Args:
        features (Tensor): F, shape (N, C, H, W).
        masks (Tensor): S in [0, 1], shape (N, h, w), over the same regions. Of another
            size than the features, they are resized to (H, W): averaged over areas when
            shrunk, bilinearly otherwise.
        eps (float): Smallest divisor; an all-zero mask gives zeros.

    Returns:
        Tensor: a, shape (N, C).

    Raises:
        ValueError: If there is not one mask for each feature map.
    """
    if features.ndim != 4 or masks.ndim != 3 or len(features) != len(masks):
        raise ValueError(
            'mask_pool needs features (N, C, H, W) and masks (N, h, w), got '
            f'{tuple(features.shape)} and {tuple(masks.shape)}'
        )
    with torch.autocast(features.device.type, enabled=False):
        dtype = torch.promote_types(features.dtype, torch.float32)
        features, masks = features.to(dtype), masks.to(dtype)
        size = features.shape[2:]
        if masks.shape[1:] != size:
            shrinks = masks.shape[1] >= size[0] and masks.shape[2] >= size[1]
            masks = F.interpolate(
                masks[:, None], size=size, mode='area' if shrinks else 'bilinear'
            )[:, 0]
        sums = torch.einsum('nchw,nhw->nc', features, masks)
        return sums / masks.sum(dim=(1, 2)).clamp(min=eps)[:, None]

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from torch import Tensor

MODES = ('abs', 'relu')


def grad_cam(
    activations: Tensor, scores: Tensor, labels: Tensor, mode: str = 'abs'
) -> Tensor:
    r"""Grad-CAM heat maps, one per box.

    With :math:`\alpha_k = \mathrm{mean}_{ij}\, \partial y^c / \partial A_{k,ij}`
    the map is :math:`G = \sum_k |\alpha_k| A_k` (``mode='abs'``, Ruiz et al.,
    section 3.2) or :math:`G = \mathrm{ReLU}(\sum_k \alpha_k A_k)` (``mode='relu'``,
    Selvaraju et al., eq. 1 and 2).

    ``activations`` (N, C, h, w) are A; ``scores`` (N, num_classes) are y and must have
    been computed from it, box n from row n alone; ``labels`` (N, ), long, are the class
    c of each box. The maps (N, h, w) are detached and not normalised.
    """
    if mode not in MODES:
        raise ValueError(f'mode must be one of {MODES}, got {mode!r}')
    if len(labels) == 0:
        return activations.new_zeros((0, *activations.shape[-2:]))
    # Boxes do not mix, so the gradient of the sum holds each box's own gradient.
    target = scores.gather(1, labels[:, None]).sum()
    (grads,) = torch.autograd.grad(target, activations)
    weights = grads.mean(dim=(2, 3), keepdim=True)
    if mode == 'abs':
        weights = weights.abs()
    maps = (weights * activations.detach()).sum(dim=1)
    return maps.relu() if mode == 'relu' else maps


def normalize_cams(cams: Tensor, size: int) -> Tensor:
    """Map heat maps (N, h, w) to [0, 1], constant ones to 0, (N, size, size)."""
    cams = cams - cams.amin(dim=(1, 2), keepdim=True)
    peak = cams.amax(dim=(1, 2), keepdim=True)
    cams = cams / peak.clamp(min=torch.finfo(cams.dtype).tiny)
    return F.interpolate(cams[:, None], (size, size), mode='bilinear')[:, 0]

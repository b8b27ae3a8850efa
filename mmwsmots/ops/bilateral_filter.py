# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Dense bilateral filtering of image crops."""

import math
from typing import Any

import torch
from torch import Tensor

from .bilateral_filter_torch import bilateral_filter_torch

METHODS = ('auto', 'exact')


class _BilateralFilter(torch.autograd.Function):
    """``W @ values``; W is symmetric, so the backward pass is the same filter."""

    @staticmethod
    def forward(
        values: Tensor, image: Tensor, sigma_rgb: float, sigma_xy: float
    ) -> Tensor:
        return bilateral_filter_torch(values, image, sigma_rgb, sigma_xy)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        _, image, ctx.sigma_rgb, ctx.sigma_xy = inputs
        ctx.save_for_backward(image)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple:
        (image,) = ctx.saved_tensors
        grad = _BilateralFilter.apply(grad, image, ctx.sigma_rgb, ctx.sigma_xy)
        return grad, None, None, None


def _check_inputs(
    values: Tensor, image: Tensor, sigma_rgb: float, sigma_xy: float, method: str
) -> None:
    if not isinstance(values, Tensor) or not isinstance(image, Tensor):
        raise TypeError(
            'values and image must be tensors, got '
            f'{type(values).__name__} and {type(image).__name__}'
        )
    if values.dim() != 4:
        raise ValueError(f'values must be (B, C, H, W), got {tuple(values.shape)}')
    expected = (values.size(0), 3, *values.shape[2:])
    if tuple(image.shape) != expected:
        raise ValueError(
            f'image must be {expected} for values of shape {tuple(values.shape)}, '
            f'got {tuple(image.shape)}'
        )
    if not values.is_floating_point():
        raise TypeError(f'values must be floating point, got {values.dtype}')
    if not (image.is_floating_point() or image.dtype == torch.uint8):
        raise TypeError(f'image must be floating point or uint8, got {image.dtype}')
    if image.device != values.device:
        raise ValueError(
            f'values and image must share a device, got {values.device} '
            f'and {image.device}'
        )
    if image.requires_grad:
        raise ValueError('the filter is not differentiable in image: detach it')
    for name, sigma in (('sigma_rgb', sigma_rgb), ('sigma_xy', sigma_xy)):
        if not (math.isfinite(sigma) and sigma > 0):
            raise ValueError(f'{name} must be positive and finite, got {sigma}')
    if method not in METHODS:
        raise ValueError(f'method must be one of {METHODS}, got {method!r}')


def bilateral_filter(
    values: Tensor,
    image: Tensor,
    sigma_rgb: float = 15.0,
    sigma_xy: float = 100.0,
    method: str = 'auto',
) -> Tensor:
    r"""Multiply every crop's values by its dense Gaussian affinity matrix.

    .. math::
        W_{ij} = \exp\left(-\frac{\|I_i - I_j\|^2}{2\sigma_{rgb}^2}
                           -\frac{\|x_i - x_j\|^2}{2\sigma_{xy}^2}\right)

    over all pairs of pixels i, j of one crop, the diagonal included, without
    normalisation: the W of the regularised losses of Tang et al., "On
    Regularized Losses for Weakly-supervised CNN Segmentation", ECCV 2018.
    Differentiable in ``values``, any number of times.

    Args:
        values: (B, C, H, W), floating point. half and bfloat16 are computed in
            float32.
        image: (B, 3, H, W), RGB in 0..255, floating point or uint8, without
            gradient.
        sigma_rgb: Standard deviation in colour, in the units of ``image``.
        sigma_xy: Standard deviation in space, in pixels.
        method: 'exact', or 'auto' for the fastest that is right.

    Returns:
        (B, C, H, W), float64 for float64 values, else float32 (a sum over all
        pixels of a crop does not fit into half precision).

    Raises:
        TypeError: If a dtype is wrong.
        ValueError: If shapes, devices, sigmas or the method are wrong.
    """
    _check_inputs(values, image, sigma_rgb, sigma_xy, method)
    dtype = torch.float64 if values.dtype == torch.float64 else torch.float32
    return _BilateralFilter.apply(
        values.to(dtype), image.to(dtype), float(sigma_rgb), float(sigma_xy)
    )

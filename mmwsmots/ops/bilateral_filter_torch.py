# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The exact bilateral filter in plain torch operations, for any device."""

import math

import torch
from torch import Tensor

# Pairs of pixels held at once: a chunk stays in a CPU's cache, and fills a GPU.
_PAIRS_CPU = 1 << 18
_PAIRS_GPU = 1 << 25
# Smaller exponents give subnormal weights: worth nothing, and slow to compute with.
_MIN_EXPONENT = {torch.float32: -80.0, torch.float64: -700.0}


def _positions(height: int, width: int, like: Tensor) -> Tensor:
    """Row and column of every pixel, (2, H * W)."""
    y = torch.arange(height, dtype=like.dtype, device=like.device)
    x = torch.arange(width, dtype=like.dtype, device=like.device)
    return torch.stack(torch.meshgrid(y, x, indexing='ij')).flatten(1)


def bilateral_filter_torch(
    values: Tensor, image: Tensor, sigma_rgb: float, sigma_xy: float
) -> Tensor:
    """Filter ``values`` exactly; memory is bounded by chunking crops and pixels.

    Args:
        values: (B, C, H, W), float32 or float64.
        image: (B, 3, H, W) in 0..255, same dtype and device as ``values``.
        sigma_rgb: Standard deviation of the kernel in colour, > 0.
        sigma_xy: Standard deviation of the kernel in pixels, > 0.

    Returns:
        (B, C, H, W), ``W @ values`` per crop and channel.
    """
    batch, channels, height, width = values.shape
    out = torch.zeros_like(values, memory_format=torch.contiguous_format)
    if values.numel() == 0:
        return out
    num_pixels = height * width
    # -||f_i - f_j||^2 of these five features is the exponent.
    colours = image.flatten(2) * (0.5**0.5 / sigma_rgb)
    positions = _positions(height, width, values) * (0.5**0.5 / sigma_xy)
    features = torch.cat([colours, positions.expand(batch, -1, -1)], 1)
    flat_values = values.flatten(2).transpose(1, 2)
    flat_out = out.view(batch, channels, num_pixels)

    pairs = _PAIRS_CPU if values.device.type == 'cpu' else _PAIRS_GPU
    crop_step = max(1, pairs // num_pixels**2)
    pixel_step = max(1, pairs // num_pixels)
    # Two buffers for all chunks: fresh ones would cost page faults every time.
    scratch = values.new_empty(
        2, min(batch, crop_step) * min(num_pixels, pixel_step) * num_pixels
    )
    floor = _MIN_EXPONENT[values.dtype]
    for crop in range(0, batch, crop_step):
        crops = slice(crop, crop + crop_step)
        targets = features[crops]
        for pixel in range(0, num_pixels, pixel_step):
            pixels = slice(pixel, pixel + pixel_step)
            sources = targets[:, :, pixels]
            shape = (sources.size(0), sources.size(2), num_pixels)
            exponent, diff = (s[: math.prod(shape)].view(shape) for s in scratch)
            exponent.zero_()
            for k in range(features.size(1)):
                # Differences, not a matrix product: that one would cancel.
                torch.sub(sources[:, k, :, None], targets[:, k, None, :], out=diff)
                exponent.addcmul_(diff, diff, value=-1)
            weights = exponent.clamp_(min=floor).exp_()
            flat_out[crops, :, pixels] = (weights @ flat_values[crops]).mT
    return out

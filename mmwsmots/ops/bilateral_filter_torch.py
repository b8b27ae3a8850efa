# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The exact bilateral filter in plain torch operations, for any device."""

import torch
from torch import Tensor

# Pairs of pixels held at once: a chunk stays in a CPU's cache, and fills a GPU.
_PAIRS_CPU = 1 << 18
_PAIRS_GPU = 1 << 25
# Smaller exponents give subnormal weights: worth nothing, and slow to compute with.
_MIN_EXPONENT = {torch.float32: -80.0, torch.float64: -700.0}


def bilateral_filter_torch(
    values: Tensor, image: Tensor, sigma_rgb: float, sigma_xy: float
) -> Tensor:
    """Filter ``values`` exactly; memory is bounded by chunking pixels.

    Args:
        values: (B, C, H, W), float32 or float64.
        image: (B, 3, H, W) in 0..255, same dtype and device as ``values``.
        sigma_rgb: Standard deviation of the kernel in colour, > 0.
        sigma_xy: Standard deviation of the kernel in pixels, > 0.

    Returns:
        (B, C, H, W), ``W @ values`` per crop and channel.
    """
    height, width = values.shape[2:]
    out = torch.zeros_like(values, memory_format=torch.contiguous_format)
    if values.numel() == 0:
        return out
    y, x = (torch.arange(n).to(values) for n in (height, width))
    positions = torch.stack(torch.meshgrid(y, x, indexing='ij')).flatten(1) / sigma_xy
    pairs = _PAIRS_CPU if values.device.type == 'cpu' else _PAIRS_GPU
    step = max(1, pairs // (height * width))
    # Two buffers for all chunks: fresh ones would cost page faults every time.
    scratch = values.new_empty(2, min(step, height * width), height * width)
    for colours, vectors, result in zip(image.flatten(2), values.flatten(2).mT, out):
        # -||f_i - f_j||^2 of these five features is the exponent.
        features = torch.cat([colours / sigma_rgb, positions]) * 0.5**0.5
        for start in range(0, height * width, step):
            some = slice(start, start + step)
            exponents, difference = scratch[:, : height * width - start]
            exponents.zero_()
            for feature in features:
                # Differences, not a matrix product: that one would cancel.
                torch.sub(feature[some, None], feature, out=difference)
                exponents.addcmul_(difference, difference, value=-1)
            weights = exponents.clamp_(min=_MIN_EXPONENT[values.dtype]).exp_()
            result.flatten(1)[:, some] = (weights @ vectors).T
    return out

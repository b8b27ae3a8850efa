# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Dense bilateral filtering of image crops."""

import functools
import math
from typing import Any, NamedTuple, Optional

import torch
from torch import Tensor

from .bilateral_grid import grid_tables
from .library import extension_path, has_grid, warn_without_kernels

METHODS = ('auto', 'exact', 'grid')


class _Costs(NamedTuple):
    """Nanoseconds, to choose the faster method."""

    pair: float  # of pixels, in the exact filter
    pixel: float  # and the others in the grid, for each block of ranks
    crop: float
    node: float


# Measured on one core; for CUDA calculated from the operations.
_COSTS = {
    'cpu': _Costs(pair=0.25, pixel=15.0, crop=60e3, node=10.0),
    'cuda': _Costs(pair=3e-4, pixel=0.3, crop=0.0, node=0.1),
}
# Nodes of a crop's grid: 32 MiB of scratch memory in each of two buffers.
_MAX_NODES = 1 << 20
_NO_LIMIT = 1 << 26  # of tiles: kMaxNodes in csrc


def _exact_cost(height: int, width: int, sigma_xy: float, costs: _Costs) -> float:
    """Rough cost of the exact filter, which stops at six sigmas."""
    window = min(height, 12 * sigma_xy) * min(width, 12 * sigma_xy)
    return costs.pair * height * width * window


def _max_nodes(spacing: float, budget: float, device: torch.device) -> int:
    """Nodes at which a crop's grid starts to cost more than the exact filter.

    CUDA reserves them for every crop: there no more than all colours can need.
    """
    max_nodes = min(_MAX_NODES, int(budget))
    if device.type == 'cuda':
        extents = (3**0.5, 2**0.5, 4 / 6**0.5)  # of a unit cube along grey and chroma
        cube = math.prod(math.ceil(255 * e / spacing) + 3 for e in extents)
        max_nodes = min(max_nodes, cube)
    return max_nodes


def _check_inputs(values: Tensor, image: Tensor) -> None:
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


def _check_settings(
    sigma_rgb: float, sigma_xy: float, method: str, tolerance: float
) -> None:
    settings = {'sigma_rgb': sigma_rgb, 'sigma_xy': sigma_xy, 'tolerance': tolerance}
    for name, value in settings.items():
        if not 0 < value < math.inf:
            raise ValueError(f'{name} must be positive and finite, got {value}')
    if method not in METHODS:
        raise ValueError(f'method must be one of {METHODS}, got {method!r}')


class _Grid(NamedTuple):
    """What the grid's operators take besides values and image."""

    tables: tuple[Tensor, Tensor, Tensor]  # basis_y, basis_x, kernel
    spacing: float  # in the units of the image
    side: float  # of tiles, pixels; 0 without
    max_nodes: int  # that cost as much as the exact filter


# Cached, as choosing costs as much as filtering a small crop.
@functools.lru_cache(maxsize=64)
def _choose_grid(
    height: int,
    width: int,
    sigma_rgb: float,
    sigma_xy: float,
    method: str,
    tolerance: float,
    dtype: torch.dtype,
    device: torch.device,
) -> Optional[_Grid]:
    """The grid to use; None where the exact filter is to be used."""
    _check_settings(sigma_rgb, sigma_xy, method, tolerance)
    if method == 'exact' or height * width == 0:
        return None
    if not has_grid(device):
        if device.type == 'cuda' and extension_path is not None:
            warn_without_kernels(device.type)
        if method == 'grid':
            raise RuntimeError(
                f"method 'grid' is not compiled for {device.type}; "
                'python -m mmwsmots.ops tells why'
            )
        return None
    if dtype != torch.float32:
        if method == 'grid':
            raise TypeError(f"method 'grid' computes in float32, got {dtype} values")
        return None
    costs = _COSTS[device.type]
    per_block = costs.crop + costs.pixel * height * width
    budget = _exact_cost(height, width, sigma_xy, costs)
    if method == 'auto' and per_block > budget:
        return None
    tables = grid_tables(height, width, sigma_xy, tolerance, device)
    if tables is None:
        if method == 'grid':
            raise ValueError(
                f'the grid cannot hold a tolerance of {tolerance} with sigma_xy '
                f"{sigma_xy} on {height} x {width} crops: use method 'auto'"
            )
        return None
    num_blocks = len(tables.basis_y)
    if method == 'auto' and num_blocks * per_block > budget:
        return None
    # Crops whose colours would need a larger grid than pays are filtered exactly.
    spacing = tables.spacing * sigma_rgb
    nodes = budget / (costs.node * num_blocks)
    max_nodes = _max_nodes(spacing, nodes, device)
    if tables.side > 0:
        max_nodes = _NO_LIMIT if method == 'grid' else min(_NO_LIMIT, int(nodes))
    arrays = (tables.basis_y, tables.basis_x, tables.kernel)
    return _Grid(arrays, spacing, tables.side, max_nodes)


@torch.compiler.assume_constant_result
def _constant_grid(*settings: Any) -> Optional[_Grid]:
    """For torch.compile, which looks through the cache."""
    return _choose_grid(*settings)


def bilateral_filter(
    values: Tensor,
    image: Tensor,
    sigma_rgb: float = 15.0,
    sigma_xy: float = 100.0,
    method: str = 'auto',
    tolerance: float = 0.03,
) -> Tensor:
    r"""Multiply every crop's values by its dense Gaussian affinity matrix.

    .. math::
        W_{ij} = \exp\left(-\frac{\|I_i - I_j\|^2}{2\sigma_{rgb}^2}
                           -\frac{\|x_i - x_j\|^2}{2\sigma_{xy}^2}\right)

    over all pairs of pixels i, j of one crop, the diagonal included, without
    normalisation: the W of the regularised losses of Tang et al., "On
    Regularized Losses for Weakly-supervised CNN Segmentation", ECCV 2018.
    Differentiable in ``values``, any number of times; what of the work depends on
    the image only is done once for all channels and for the backward pass.

    Args:
        values: (B, C, H, W), floating point. half and bfloat16 are computed in
            float32.
        image: (B, 3, H, W), RGB in 0..255, floating point or uint8, without
            gradient.
        sigma_rgb: Standard deviation in colour, in the units of ``image``.
        sigma_xy: Standard deviation in space, in pixels.
        method: 'exact'; 'grid', the low-rank x colour-grid approximation; or 'auto'
            for the faster of those that hold the tolerance.
        tolerance: Largest relative L2 error of the grid, over all images, for values
            of one sign. Natural images stay at about a third of it.

    Returns:
        (B, C, H, W), float64 for float64 values, else float32 (a sum over all
        pixels of a crop does not fit into half precision).

    Raises:
        TypeError: If a dtype is wrong.
        ValueError: If shapes, devices or settings are wrong, or 'grid' cannot hold
            the tolerance.
        RuntimeError: If 'grid' is asked for where it was not compiled.
    """
    _check_inputs(values, image)
    dtype = torch.float64 if values.dtype == torch.float64 else torch.float32
    values, image = values.to(dtype), image.to(dtype)
    sigmas = (float(sigma_rgb), float(sigma_xy))
    grid = _constant_grid(
        *values.shape[2:], *sigmas, method, tolerance, dtype, values.device
    )
    ops = torch.ops.mmwsmots
    if grid is None:
        return ops._bilateral_exact(values, image, *sigmas)
    tables, spacing, side, max_nodes = grid
    if not (values.requires_grad and torch.is_grad_enabled()):
        return ops._bilateral_grid_once(
            values, image, *tables, spacing, side, max_nodes, *sigmas
        )
    # The backward pass filters with the same plan.
    plan = ops._bilateral_grid_plan(image, spacing, side, max_nodes)
    return ops._bilateral_grid(values, image, *plan, *tables, side, max_nodes, *sigmas)

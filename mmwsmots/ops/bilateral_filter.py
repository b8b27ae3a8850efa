# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Dense bilateral filtering of image crops."""

import functools
import math
from typing import Any, NamedTuple, Optional

import torch
from torch import Tensor

from .bilateral_grid import grid_tables
from .library import extension_path, has_kernels, warn_without_kernels

METHODS = ('auto', 'exact', 'grid')

# Nanoseconds on one core, to choose the faster method: of a pair of pixels in the exact
# filter, and in the grid, for each block of ranks, of a pixel, a crop and a node.
_PAIR_COST = 0.25
_PIXEL_COST = 15.0
_CROP_COST = 60e3
_NODE_COST = 10.0
# Nodes of a crop's grid: 32 MiB of scratch memory in each of two buffers.
_MAX_NODES = 1 << 20
_NO_LIMIT = 1 << 26  # of tiles: kMaxNodes in csrc


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


class _Grid(NamedTuple):
    """What the grid's operators take besides values and image."""

    tables: tuple[Tensor, Tensor, Tensor]  # basis_y, basis_x, kernel
    # Spacing in the units of the image; side of tiles in pixels, 0 without; nodes that
    # cost as much as the exact filter.
    numbers: tuple[float, float, int]


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
    settings = {'sigma_rgb': sigma_rgb, 'sigma_xy': sigma_xy, 'tolerance': tolerance}
    for name, value in settings.items():
        if not 0 < value < math.inf:
            raise ValueError(f'{name} must be positive and finite, got {value}')
    if method not in METHODS:
        raise ValueError(f'method must be one of {METHODS}, got {method!r}')
    if method == 'exact' or height * width == 0:
        return None
    compiled = has_kernels(device)
    if device.type == 'cuda' and not compiled and extension_path is not None:
        warn_without_kernels(device.type)
    refusal, tables = None, None
    if device.type != 'cpu' or not compiled:
        refusal = RuntimeError(
            f"method 'grid' is not compiled for {device.type}; "
            'python -m mmwsmots.ops tells why'
        )
    elif dtype != torch.float32:
        refusal = TypeError(f"method 'grid' computes in float32, got {dtype} values")
    else:
        tables = grid_tables(height, width, sigma_xy, tolerance)
        refusal = ValueError(
            f'the grid cannot hold a tolerance of {tolerance} with sigma_xy '
            f"{sigma_xy} on {height} x {width} crops: use method 'auto'"
        )
    if tables is None:
        if method == 'grid':
            raise refusal
        return None
    # The exact filter stops at six sigmas.
    window = min(height, 12 * sigma_xy) * min(width, 12 * sigma_xy)
    num_blocks = len(tables.basis_y)
    budget = _PAIR_COST * height * width * window / num_blocks
    if method == 'auto' and _CROP_COST + _PIXEL_COST * height * width > budget:
        return None
    # Crops whose colours would need a larger grid than pays are filtered exactly.
    max_nodes = min(_NO_LIMIT, int(budget / _NODE_COST))
    if tables.side == 0:
        max_nodes = min(max_nodes, _MAX_NODES)
    elif method == 'grid':
        max_nodes = _NO_LIMIT
    arrays = (tables.basis_y, tables.basis_x, tables.kernel)
    return _Grid(arrays, (tables.spacing * sigma_rgb, tables.side, max_nodes))


@torch.compiler.assume_constant_result
def _constant_grid(*settings: Any) -> Optional[_Grid]:
    """For torch.compile, which looks through the cache."""
    return _choose_grid(*settings)


def _plan(image: Tensor, grid: Optional[_Grid]) -> Optional[Tensor]:
    """What the filter of an image can do before it knows the values."""
    if grid is None:
        return None
    return torch.ops.mmwsmots._bilateral_grid_plan(image, *grid.numbers)


def _filter(
    values: Tensor,
    image: Tensor,
    sigmas: tuple[float, float],
    grid: Optional[_Grid],
    plan: Optional[Tensor],
) -> Tensor:
    """With a plan, or one that is not kept."""
    if grid is None:
        return torch.ops.mmwsmots._bilateral_exact(values, image, *sigmas)
    if plan is None:
        plan = image.new_empty(0, dtype=torch.int32)
    return torch.ops.mmwsmots._bilateral_grid(
        values, image, plan, *grid.tables, *grid.numbers, *sigmas
    )


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
        method: 'exact'; 'grid', the low-rank x colour-grid approximation, on the CPU
            alone; or 'auto' for the faster of those that hold the tolerance.
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
    # The backward pass filters with the same plan.
    planned = values.requires_grad and torch.is_grad_enabled()
    plan = _plan(image, grid) if planned else None
    return _filter(values, image, sigmas, grid, plan)


class PreparedFilter:
    """:func:`bilateral_filter` of fixed images, for values that come one by one.

    What depends on the images only, their colours' places on the grid, is made here
    once. Calls give the same bits as :func:`bilateral_filter`, and gradients.

    The arguments and errors are those of :func:`bilateral_filter`; ``dtype`` is that of
    the results, float32 or float64.
    """

    def __init__(
        self,
        image: Tensor,
        sigma_rgb: float = 15.0,
        sigma_xy: float = 100.0,
        method: str = 'auto',
        tolerance: float = 0.03,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if dtype not in (torch.float32, torch.float64):
            raise TypeError(f'dtype must be float32 or float64, got {dtype}')
        if not isinstance(image, Tensor):
            raise TypeError(f'image must be a tensor, got {type(image).__name__}')
        if image.dim() != 4:
            raise ValueError(f'image must be (B, 3, H, W), got {tuple(image.shape)}')
        _check_inputs(image[:, :1].to(dtype), image)
        self.image = image.to(dtype)
        self.sigmas = (float(sigma_rgb), float(sigma_xy))
        self.grid = _constant_grid(
            *image.shape[2:], *self.sigmas, method, tolerance, dtype, image.device
        )
        self.plan = _plan(self.image, self.grid)

    def __call__(self, values: Tensor) -> Tensor:
        """Filter values, (B, C, H, W), floating point, in the filter's dtype."""
        _check_inputs(values, self.image)
        if values.dtype == torch.float64 != self.image.dtype:
            raise TypeError(
                'float64 values need a filter that was prepared in float64, '
                'this one computes in float32'
            )
        values = values.to(self.image.dtype)
        return _filter(values, self.image, self.sigmas, self.grid, self.plan)

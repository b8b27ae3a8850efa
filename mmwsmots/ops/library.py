# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Definition of the operators, and loading of their compiled kernels.

The operators are defined here, with a meta implementation, a gradient, autocast
and vmap rules, and the exact one also in plain torch; the compiled extension only
adds faster kernels for the devices that it was built for.
"""

import functools
import warnings
from pathlib import Path
from typing import Any, Optional

import torch
from torch import Tensor

from .bilateral_filter_torch import bilateral_filter_torch

NAMESPACE = 'mmwsmots'
# The library that `build.py` compiles into this folder.
EXTENSION_NAME = '_bilateral_ext'

_library = torch.library.Library(NAMESPACE, 'FRAGMENT')
_library.define(
    '_bilateral_exact(Tensor values, Tensor image, float sigma_rgb, float sigma_xy)'
    ' -> Tensor'
)
# What of the grid depends on the image only; see csrc/common/cpu/bilateral_kernels.h.
_library.define(
    '_bilateral_grid_plan(Tensor image, float spacing, int max_nodes)'
    ' -> (Tensor offsets, Tensor pixels, Tensor runs, Tensor shape)'
)
_library.define(
    '_bilateral_grid(Tensor values, Tensor image, Tensor offsets, Tensor pixels,'
    ' Tensor runs, Tensor shape, Tensor basis_y, Tensor basis_x, Tensor kernel,'
    ' int max_nodes, float sigma_rgb, float sigma_xy) -> Tensor'
)
# Both in one, for values without gradient: no plan is kept.
_library.define(
    '_bilateral_grid_once(Tensor values, Tensor image, Tensor basis_y,'
    ' Tensor basis_x, Tensor kernel, float spacing, int max_nodes,'
    ' float sigma_rgb, float sigma_xy) -> Tensor'
)
_EXACT = f'{NAMESPACE}::_bilateral_exact'
_PLAN = f'{NAMESPACE}::_bilateral_grid_plan'
_GRID = f'{NAMESPACE}::_bilateral_grid'
_ONCE = f'{NAMESPACE}::_bilateral_grid_once'


def _plan_and_filter(
    values: Tensor,
    image: Tensor,
    basis_y: Tensor,
    basis_x: Tensor,
    kernel: Tensor,
    spacing: float,
    max_nodes: int,
    *sigmas: float,
) -> Tensor:
    """For the devices that do not join the two operators."""
    plan = torch.ops.mmwsmots._bilateral_grid_plan(image, spacing, max_nodes)
    tables = (basis_y, basis_x, kernel)
    return torch.ops.mmwsmots._bilateral_grid(
        values, image, *plan, *tables, max_nodes, *sigmas
    )


_library.impl('_bilateral_exact', bilateral_filter_torch, 'CompositeExplicitAutograd')
_library.impl('_bilateral_grid_once', _plan_and_filter, 'CompositeExplicitAutograd')


@torch.library.register_fake(_EXACT)
def _(values: Tensor, image: Tensor, sigma_rgb: float, sigma_xy: float) -> Tensor:
    return values.new_empty(values.shape)


@torch.library.register_fake(_PLAN)
def _(image: Tensor, spacing: float, max_nodes: int) -> tuple[Tensor, ...]:
    batch, _, height, width = image.shape
    area = height * width
    # The CUDA kernels do not sort the pixels into runs.
    num_runs = 0 if image.device.type == 'cuda' else area
    return (
        image.new_empty(batch, area, dtype=torch.int32),
        image.new_empty(batch, area, dtype=torch.int32),
        image.new_empty(batch, num_runs, 2, dtype=torch.int32),
        image.new_empty(batch, 4, dtype=torch.int32),
    )


@torch.library.register_fake(_GRID)
@torch.library.register_fake(_ONCE)
def _(values: Tensor, *args: Any) -> Tensor:
    return values.new_empty(values.shape)


# W is symmetric: the gradient is the same filter, with the same plan, of the
# gradient. It is differentiable in turn, being the operator itself.
def _save_all_but_values(ctx: Any, inputs: tuple, output: Tensor) -> None:
    ctx.save_for_backward(*(x for x in inputs[1:] if isinstance(x, Tensor)))
    ctx.numbers = [x for x in inputs[1:] if not isinstance(x, Tensor)]


def _filter_again(op: Any, ctx: Any, grad: Tensor) -> tuple:
    others = (*ctx.saved_tensors, *ctx.numbers)
    return op(grad, *others), *(None for _ in others)


def _exact_backward(ctx: Any, grad: Tensor) -> tuple:
    return _filter_again(torch.ops.mmwsmots._bilateral_exact, ctx, grad)


def _grid_backward(ctx: Any, grad: Tensor) -> tuple:
    return _filter_again(torch.ops.mmwsmots._bilateral_grid, ctx, grad)


torch.library.register_autograd(
    _EXACT, _exact_backward, setup_context=_save_all_but_values
)
torch.library.register_autograd(
    _GRID, _grid_backward, setup_context=_save_all_but_values
)


for _device in ('cpu', 'cuda'):
    for _op in (_EXACT, _PLAN, _GRID, _ONCE):
        # Sums over all pixels of a crop: never in half precision.
        torch.library.register_autocast(_op, _device, torch.float32)


def _vmap_values(op: Any, in_dims: tuple, args: tuple) -> tuple:
    """Map an operator over its values, as more channels of the same crops."""
    if any(dim is not None for dim in in_dims[1:]):
        raise NotImplementedError(
            'bilateral_filter can be mapped over values, not over image: put the '
            'images into the batch dimension'
        )
    values = args[0].movedim(in_dims[0], 1)
    out = op(values.flatten(1, 2), *args[1:])
    return out.unflatten(1, values.shape[1:3]), 1


@torch.library.register_vmap(_EXACT)
def _(info: Any, in_dims: tuple, *args: Any) -> tuple:
    return _vmap_values(torch.ops.mmwsmots._bilateral_exact, in_dims, args)


@torch.library.register_vmap(_GRID)
def _(info: Any, in_dims: tuple, *args: Any) -> tuple:
    return _vmap_values(torch.ops.mmwsmots._bilateral_grid, in_dims, args)


@torch.library.register_vmap(_ONCE)
def _(info: Any, in_dims: tuple, *args: Any) -> tuple:
    return _vmap_values(torch.ops.mmwsmots._bilateral_grid_once, in_dims, args)


@torch.library.register_vmap(_PLAN)
def _(info: Any, in_dims: tuple, *args: Any) -> tuple:
    return _vmap_values(torch.ops.mmwsmots._bilateral_grid_plan, (None, 0), args)


def _load_extension() -> Optional[Path]:
    """Load the compiled kernels; a path, or None with a warning if there are none."""
    paths = sorted(Path(__file__).parent.glob(f'{EXTENSION_NAME}*.so'))
    reason = 'it was not compiled'
    for path in paths:
        try:
            torch.ops.load_library(path)
        except (OSError, RuntimeError) as error:  # built for another torch, say
            reason = str(error).splitlines()[0]
        else:
            return path
    warnings.warn(
        f'the compiled bilateral filter is missing ({reason}): a plain torch '
        'implementation, some hundred times slower, serves instead. To compile it, '
        'install a C++ compiler and run: '
        'pip install --no-build-isolation --force-reinstall --no-deps <mmwsmots>',
        RuntimeWarning,
        stacklevel=2,
    )
    return None


extension_path = _load_extension()


@functools.cache
def warn_without_kernels(device_type: str) -> None:
    """Warn, once, that the extension was compiled for other devices only."""
    warnings.warn(
        f'the compiled bilateral filter has no kernels for {device_type}: a plain '
        'torch implementation, much slower, serves instead. Reinstall mmwsmots with '
        '--no-build-isolation where nvcc and the CUDA build of torch are there',
        RuntimeWarning,
        stacklevel=2,
    )


def has_grid(device: torch.device) -> bool:
    """Whether the compiled grid method is there for the device."""
    key = {'cpu': 'CPU', 'cuda': 'CUDA'}.get(device.type)
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    return key is not None and has_kernel(_GRID, key)

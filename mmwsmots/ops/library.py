# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Definition of the operators, with derivatives, and loading of their compiled kernels.

The exact one is also there in plain torch. torch.func.vmap calls them one by one.
"""

import functools
import warnings
from pathlib import Path
from typing import Any, Optional

import torch
from torch import Tensor
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd.forward_ad import _set_fwd_grad_enabled

from .bilateral_filter_torch import bilateral_filter_torch

NAMESPACE = 'mmwsmots'
# The library that `build.py` compiles into this folder.
# Its number goes up when an operator gets other arguments: a library that was compiled
# before would end the process.
EXTENSION_NAME = '_bilateral_ext4'

_library = torch.library.Library(NAMESPACE, 'FRAGMENT')
_library.define(
    '_bilateral_exact(Tensor values, Tensor image, float sigma_rgb, float sigma_xy)'
    ' -> Tensor'
)
# What of the grid depends on the image only; see csrc/common/cpu/bilateral_filter.h.
_library.define(
    '_bilateral_grid_plan(Tensor image, float spacing, float side, int max_nodes)'
    ' -> Tensor'
)
# An empty plan is made anew, and not kept.
_library.define(
    '_bilateral_grid(Tensor values, Tensor image, Tensor plan, Tensor basis_y,'
    ' Tensor basis_x, Tensor kernel, float spacing, float side, int max_nodes,'
    ' float sigma_rgb, float sigma_xy) -> Tensor'
)
_library.impl('_bilateral_exact', bilateral_filter_torch, 'CompositeExplicitAutograd')


def _like_values(values: Tensor, *args: Any) -> Tensor:
    return values.new_empty(values.shape)


def _empty_plan(image: Tensor, spacing: float, side: float, max_nodes: int) -> Tensor:
    batch, _, height, width = image.shape
    # As plan_size() in csrc.
    size = 5 + (8 if side > 0 else 4) * height * width
    return image.new_empty(batch, size, dtype=torch.int32)


_library.impl('_bilateral_grid_plan', _empty_plan, 'Meta')


def _make_differentiable(name: str) -> None:
    """Give an operator its derivatives, in ``values`` only.

    W is linear and symmetric: the tangent, and the gradient, is the same filter of the
    tangent or gradient. It is differentiable in turn, being the operator itself.
    """
    op = getattr(torch.ops.mmwsmots, name).default

    class Filter(torch.autograd.function._SingleLevelFunction):
        @staticmethod
        def forward(*inputs: Any) -> Tensor:
            # torch.autograd.Function switches derivatives off, also those of the outer
            # transforms of torch.func.
            with (
                torch._C._AutoDispatchBelowAutograd(),
                torch.enable_grad(),
                _set_fwd_grad_enabled(True),
            ):
                return op(*inputs)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
            tensors = [x for x in inputs[1:] if isinstance(x, Tensor)]
            ctx.save_for_backward(*tensors)
            ctx.save_for_forward(*tensors)
            ctx.numbers = inputs[1 + len(tensors) :]
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx: Any, grad: Optional[Tensor]) -> tuple:
            others = (*ctx.saved_tensors, *ctx.numbers)
            gradient = None if grad is None else op(grad, *others)
            return gradient, *(None for _ in others)

        @staticmethod
        def jvp(ctx: Any, tangent: Optional[Tensor], *others: Any) -> Tensor:
            if any(isinstance(other, Tensor) for other in others):
                raise ValueError('the filter is not differentiable in image: detach it')
            return op(tangent, *ctx.saved_tensors, *ctx.numbers)

    # Where the dispatcher calls this, it has come to the innermost transform of
    # torch.func: torch.autograd.Function would look for it once more.
    def differentiable(*inputs: Any) -> Tensor:
        with enable_single_level_autograd_function():
            return Filter.apply(*inputs)

    _library.impl(name, differentiable, 'Autograd')


for _name in ('_bilateral_exact', '_bilateral_grid'):
    _library.impl(_name, _like_values, 'Meta')
    _make_differentiable(_name)


def _load_extension() -> Optional[Path]:
    """Load the compiled kernels; a path, or None with a warning if there are none."""
    path = Path(__file__).with_name(f'{EXTENSION_NAME}.so')
    reason = 'it was not compiled'
    if path.exists():
        try:
            torch.ops.load_library(path)
            return path
        except (OSError, RuntimeError) as error:  # built for another torch, say
            reason = str(error).splitlines()[0]
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


def has_kernels(device: torch.device) -> bool:
    """Whether the extension was compiled for the device."""
    key = {'cpu': 'CPU', 'cuda': 'CUDA'}.get(device.type)
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    return key is not None and has_kernel(f'{NAMESPACE}::_bilateral_exact', key)

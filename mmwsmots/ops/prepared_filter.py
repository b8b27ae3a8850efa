# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from torch import Tensor

from .bilateral_filter import _check_inputs, _constant_grid


class PreparedFilter:
    """:func:`bilateral_filter` of fixed images, for values that come one by one.

    What depends on the images only, their colours' places on the grid, is made here
    once. Calls give the same bits as :func:`bilateral_filter`, and gradients.

    Args:
        image (Tensor): (B, 3, H, W), as for :func:`bilateral_filter`.
        sigma_rgb (float): Standard deviation in colour, in the units of ``image``.
        sigma_xy (float): Standard deviation in space, in pixels.
        method (str): 'exact', 'grid' or 'auto'.
        tolerance (float): Largest relative L2 error of the grid.
        dtype (torch.dtype): In which to compute, float32 or float64.

    Raises:
        TypeError: If a dtype is wrong.
        ValueError: If shapes or settings are wrong, or 'grid' cannot hold the
            tolerance.
        RuntimeError: If 'grid' is asked for where it was not compiled.
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
        shape = (image.size(0), 1, *image.shape[2:])
        _check_inputs(
            torch.empty((), dtype=dtype, device=image.device).expand(shape), image
        )
        self.image = image.to(dtype)
        self.sigmas = (float(sigma_rgb), float(sigma_xy))
        self.grid = _constant_grid(
            *image.shape[2:], *self.sigmas, method, tolerance, dtype, image.device
        )
        if self.grid is not None:
            self.plan = torch.ops.mmwsmots._bilateral_grid_plan(
                self.image, self.grid.spacing, self.grid.side, self.grid.max_nodes
            )

    def __call__(self, values: Tensor) -> Tensor:
        """Filter values.

        Args:
            values (Tensor): (B, C, H, W), floating point.

        Returns:
            Tensor: (B, C, H, W), of the filter's dtype.
        """
        _check_inputs(values, self.image)
        if values.dtype == torch.float64 != self.image.dtype:
            raise TypeError(
                'float64 values need a filter that was prepared in float64, '
                'this one computes in float32'
            )
        values = values.to(self.image.dtype)
        ops = torch.ops.mmwsmots
        if self.grid is None:
            return ops._bilateral_exact(values, self.image, *self.sigmas)
        tables, _, side, max_nodes = self.grid
        return ops._bilateral_grid(
            values, self.image, *self.plan, *tables, side, max_nodes, *self.sigmas
        )

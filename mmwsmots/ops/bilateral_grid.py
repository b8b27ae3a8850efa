# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
r"""Tables of the low-rank x colour-grid approximation of the bilateral filter.

The kernel is a product of a Gaussian of the pixels' distance and one of the
colours' distance:

- Space: the Gaussian matrix of an axis has few large eigenvalues. Of the products
  :math:`\lambda_a \lambda_b u_a(y) u_b(x)` the largest are kept.
- Colour: pixels are spread on a grid over the rotated colours with quadratic
  B-splines, the grid is convolved along its three axes, and read with the same
  splines. The convolution's taps are fitted such that spline * taps * spline is
  the Gaussian.

Both parts stay symmetric, as the filter's gradient requires.
"""

import functools
import math
from typing import NamedTuple, Optional

import numpy as np
import torch
from torch import Tensor

# Ranks come in blocks of one vector register (kLanes in csrc).
RANKS_PER_BLOCK = 8
# Above, the exact filter is as fast.
MAX_BLOCKS = 64
# Cell sizes to choose from, in units of sigma_rgb.
SPACINGS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4)
# Smaller taps of the convolution change less than the fit's residue.
SMALLEST_TAP = 2e-3
# Blocks of ranks that cost as much as tiles.
TILE_BLOCKS = 2
# Of the tolerance, what the spatial basis may use.
SPATIAL_SHARE = 0.6


class Tiling(NamedTuple):
    """Nodes that were fitted to natural images and to noise, for tiles."""

    error: float  # the largest, relative
    spacing: float  # in colour, in units of sigma_rgb
    side: float  # of a tile, in units of sigma_xy
    weights: tuple[float, ...]  # coefficients of the nodes: HalfGaussian in csrc
    slopes: tuple[float, ...]  # what the last eight of them change with the side


# Tiles may be larger than fitted by this factor where fewer then fill the crop.
LARGEST_STRETCH = 1.05
# The coarsest first.
TILINGS = (
    Tiling(
        error=0.12,
        spacing=1.3,
        side=1.3,
        weights=(
            *(0.84886, -0.62658, 0.25214, 0.77848, 0.61335, -0.41305, -0.19609),
            *(0.67908, 0.832, -0.29045, 0.04062, 0.20887, 0.52077, -0.27998, 0.01238),
        ),
        slopes=(-0.07, 0.5, -0.151, -0.202, -0.359, 0.334, -0.196, 0.125),
    ),
    Tiling(
        error=0.05,
        spacing=1.2,
        side=1.1,
        weights=(
            *(0.86637, -0.56695, 0.29927, 0.78066, 0.63089, -0.48322, -0.03748),
            *(0.64896, 0.65369, -0.26023, 0.08727, 0.27597, 0.42203, -0.21239, 0.01639),
        ),
        slopes=(-0.035, 0.795, 0.309, -0.286, -0.399, 0.363, -0.924, 0.624),
    ),
)


class GridTables(NamedTuple):
    """What a grid needs to know of crop size, sigmas and tolerance; all float32."""

    spacing: float  # of colours, in units of sigma_rgb
    kernel: Tensor  # (radius + 1,) taps of the convolution; weights of tiles
    basis_y: Tensor  # (blocks, H, 8) spatial basis; without meaning with tiles
    basis_x: Tensor  # (blocks, W, 8)
    side: float = 0.0  # of the tiles into which the crop is cut, pixels; 0 without


def _spline(t: np.ndarray) -> np.ndarray:
    """Quadratic B-spline."""
    t = np.abs(t)
    outer = np.where(t < 1.5, 0.5 * (1.5 - t) ** 2, 0.0)
    return np.where(t < 0.5, 0.75 - t * t, outer)


@functools.cache
def _colour_kernel(spacing: float) -> np.ndarray:
    """Taps k with sum_ab B(u - a) k_|a-b| B(v - b) = exp(-(u - v)^2 h^2 / 2)."""
    taps = _fit_taps(spacing, math.ceil(3.5 / spacing))
    return _fit_taps(spacing, int((np.abs(taps) >= SMALLEST_TAP).nonzero()[0].max()))


def _fit_taps(spacing: float, radius: int) -> np.ndarray:
    phases = (np.arange(16) + 0.5) / 16
    reach = math.ceil(4.5 / spacing)
    distances = np.arange(-reach * 16, reach * 16 + 1, 3) / 16
    u, v = (
        x.ravel()
        for x in np.broadcast_arrays(phases[:, None], phases[:, None] + distances)
    )
    rows = np.arange(len(u))
    system = np.zeros((len(u), radius + 1))
    for a in range(-1, 3):
        for shift in range(-1, 3):
            b = np.floor(v).astype(int) + shift
            tap = np.abs(a - b)
            weight = _spline(u - a) * _spline(v - b)
            kept = tap <= radius
            np.add.at(system, (rows[kept], tap[kept]), weight[kept])
    target = np.exp(-((u - v) ** 2) * spacing**2 / 2)
    return np.linalg.lstsq(system, target, rcond=1e-10)[0]


@functools.cache
def _colour_error(spacing: float) -> float:
    """Relative error of a crop of one colour, which no other image exceeds.

    All its pixels sit at the centre of a cell, where the splines are farthest from
    their mean.
    """
    # The splines' product, of which the kernels keep the moments up to the second.
    constant, quadratic = np.array([1, 4, 1]) / 6, np.array([0.5, -1, 0.5])
    nodes = np.einsum('i,j,k->ijk', constant, constant, constant)
    for subscripts in ('i,j,k->ijk', 'j,i,k->ijk', 'k,j,i->ijk'):
        nodes -= np.einsum(subscripts, quadratic, constant, constant) / 12
    taps = _colour_kernel(spacing)
    matrix = taps[np.abs(np.arange(3)[:, None] - np.arange(3))]
    blurred = np.einsum('ijk,il,jm,kn->lmn', nodes, matrix, matrix, matrix)
    return abs((nodes * blurred).sum() - 1)


@functools.lru_cache(maxsize=64)
def _spatial_basis(
    height: int, width: int, sigma: float, tolerance: float, max_blocks: int
) -> Optional[tuple[np.ndarray, np.ndarray, float]]:
    """Basis along y and x, (blocks, size, 8), and error; None if it is too large.

    The error is the root mean square, over pixels, of what the diagonal misses:
    it is the error of an image whose pixels all differ.
    """
    (values_y, modes_y), (values_x, modes_x) = (
        np.linalg.eigh(np.exp(-(np.subtract.outer(axis, axis) ** 2) / (2 * sigma**2)))
        for axis in map(np.arange, (height, width))
    )
    products = np.outer(values_y, values_x)
    order = np.argsort(-products, axis=None)[: max_blocks * RANKS_PER_BLOCK]
    rows, cols = np.unravel_index(order, products.shape)
    # The root of the eigenvalue to each axis: pixels use the product of both, twice.
    scale = np.maximum(products[rows, cols], 0) ** 0.25
    basis_y, basis_x = modes_y[:, rows] * scale, modes_x[:, cols] * scale
    missing = np.ones((height, width))
    for block in range(math.ceil(len(order) / RANKS_PER_BLOCK)):
        ranks = slice(block * RANKS_PER_BLOCK, (block + 1) * RANKS_PER_BLOCK)
        missing -= basis_y[:, ranks] ** 2 @ (basis_x[:, ranks] ** 2).T
        error = np.sqrt((missing**2).mean())
        if error <= tolerance:
            break
    else:
        return None
    num_blocks = block + 1

    def blocked(basis: np.ndarray) -> np.ndarray:
        padded = np.zeros((len(basis), num_blocks * RANKS_PER_BLOCK), np.float32)
        kept = basis[:, : padded.shape[1]]
        padded[:, : kept.shape[1]] = kept
        blocks = padded.reshape(len(basis), num_blocks, RANKS_PER_BLOCK)
        return np.ascontiguousarray(blocks.transpose(1, 0, 2))

    return blocked(basis_y), blocked(basis_x), error


def _tile_side(side: float, height: int, width: int) -> float:
    """Of tiles at least this large, but no more of them than slightly larger ones."""
    largest = side * LARGEST_STRETCH
    fitting = (size / math.ceil(size / largest) for size in (height, width))
    return min(largest, max(side, *fitting))


@functools.lru_cache(maxsize=64)
def grid_tables(
    height: int, width: int, sigma_xy: float, tolerance: float
) -> Optional[GridTables]:
    """Choose spacing and rank such that the filter's error stays below tolerance.

    None where the grid cannot hold the tolerance, which is of ``bilateral_filter``:
    below the finest spacing, or with more than ``MAX_BLOCKS`` blocks of ranks.
    """
    tilings = [t for t in TILINGS if t.error <= tolerance and t.side * sigma_xy >= 1]
    max_blocks = TILE_BLOCKS if tilings else MAX_BLOCKS
    basis = _spatial_basis(
        height, width, sigma_xy, SPATIAL_SHARE * tolerance, max_blocks
    )
    if basis is None and tilings:
        tiling = tilings[0]
        unused = (torch.zeros(1, size, RANKS_PER_BLOCK) for size in (height, width))
        side = _tile_side(tiling.side * sigma_xy, height, width)
        weights = torch.tensor(tiling.weights, dtype=torch.float64)
        slopes = torch.tensor(tiling.slopes, dtype=torch.float64)
        weights[-len(slopes) :] += slopes * (side / sigma_xy - tiling.side)
        return GridTables(tiling.spacing, weights.float(), *unused, side)
    if basis is None:
        return None
    # The two errors are largest for images that have little in common, one colour and
    # all colours: their squares add up.
    *arrays, spatial_error = basis
    colour_tolerance = math.sqrt(tolerance**2 - spatial_error**2)
    spacing = next((h for h in SPACINGS if _colour_error(h) <= colour_tolerance), None)
    if spacing is None:
        return None
    arrays = (_colour_kernel(spacing).astype(np.float32), *arrays)
    return GridTables(spacing, *map(torch.from_numpy, arrays))

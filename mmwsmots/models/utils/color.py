# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from torch import Tensor

NUM_BINS = 16  # of lightness, and of a and b from -60 to 60
EPS = 2e-4  # density of a colour that was never seen
# sRGB (D65) to CIE XYZ, and the D65 white point (IEC 61966-2-1).
_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.950456, 1.0, 1.088754)


def rgb_to_lab(images: Tensor) -> Tensor:
    """Convert sRGB in 0..255 to CIE L*a*b* (D65), L in 0..100, float (N, 3, H, W)."""
    rgb = images / 255
    linear = torch.where(
        rgb > 0.04045, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4, rgb / 12.92
    )
    xyz = torch.einsum('ij,njhw->nihw', images.new_tensor(_RGB_TO_XYZ), linear)
    xyz = xyz / images.new_tensor(_WHITE).view(1, 3, 1, 1)
    cube_root = torch.where(
        xyz > 0.008856, xyz.clamp(min=1e-6) ** (1 / 3), 7.787 * xyz + 16 / 116
    )
    x, y, z = cube_root.unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


@torch.no_grad()
def color_evidence(
    logits: Tensor, rgb_crops: Tensor, box_masks: Tensor | None = None
) -> Tensor:
    r"""What the colours of a crop say about its mask.

    As in GrabCut (Rother et al., SIGGRAPH 2004) the object and its surroundings have a
    model of their colours each, here a smoothed Lab histogram weighted by the soft
    mask. The result, float32, to be added to the ``logits`` (N, H, W), is :math:`\log
    ((p_{fg} + \epsilon) / (p_{bg} + \epsilon))` of a cell's colour. ``rgb_crops`` (N,
    3, H, W) are in 0..255; outside of ``box_masks``, bool (N, H, W), is background.
    """
    if len(logits) == 0:
        return logits.float()
    probs = logits.float().sigmoid()
    if box_masks is not None:
        probs = probs * box_masks
    lab = rgb_to_lab(rgb_crops.float())
    scale = lab.new_tensor([1 / 100, 1 / 120, 1 / 120]).view(3, 1, 1)
    offset = lab.new_tensor([0, 0.5, 0.5]).view(3, 1, 1)
    places = (lab * scale + offset).clamp(0, 1 - 1e-4)  # l, a, b in [0, 1)
    fg, bg = (_densities(places, weights) + EPS for weights in (probs, 1 - probs))
    return torch.log(fg / bg)


def _densities(places: Tensor, weights: Tensor) -> Tensor:
    """Density of each cell's colour among weighted cells, (N, H, W)."""
    bins = (places * NUM_BINS).long()
    flat = (bins[:, 0] * NUM_BINS + bins[:, 1]) * NUM_BINS + bins[:, 2]
    histogram = weights.new_zeros(len(weights), NUM_BINS**3)
    histogram.scatter_add_(1, flat.flatten(1), weights.flatten(1))
    histogram = histogram.view(len(weights), 1, *[NUM_BINS] * 3)
    kernel = weights.new_tensor([0.25, 0.5, 0.25])
    for dim in range(3):
        shape, padding = [1] * 5, [0] * 3
        shape[2 + dim], padding[dim] = 3, 1
        histogram = F.conv3d(histogram, kernel.view(shape), padding=tuple(padding))
    # grid_sample reads x, y, z: b, a, l.
    grid = places.flip(1).flatten(2).transpose(1, 2)[:, None, None] * 2 - 1
    values = F.grid_sample(histogram, grid, padding_mode='border', align_corners=False)
    total = weights.sum(dim=(1, 2)).clamp(min=1e-6)[:, None, None]
    return values.view_as(weights) / total

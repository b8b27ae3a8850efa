# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from torch import Tensor

# sRGB (D65) to CIE XYZ, and the D65 white point (IEC 61966-2-1).
_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.950456, 1.0, 1.088754)


def rgb_to_lab(images: Tensor) -> Tensor:
    """Convert sRGB to CIE L*a*b* (D65), float (N, 3, H, W).

    RGB is in 0..255, L in 0..100, a and b in about -128..127.
    """
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

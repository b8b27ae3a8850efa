# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from dataclasses import dataclass

import numpy as np

# KITTI's colour camera: focal length over image width, horizon over image height,
# metres above the road.
FOCAL_RATIO = 0.58
HORIZON_RATIO = 0.46
CAMERA_HEIGHT = 1.65
# Points nearer than this are moved to it: a crude clipping plane, metres.
NEAR = 0.4


@dataclass(frozen=True)
class Camera:
    """Pinhole camera on a car that drives over a plane.

    World axes: x to the right of the road, y up from the road, z along the road,
    metres. Camera axes: x right, y up, z forward. Pixels: x right, y down.

    Attributes:
        width (int): Image width in pixels.
        height (int): Image height in pixels.
        focal (float): Focal length in pixels.
        cx (float): Column of the optical axis.
        cy (float): Row of the horizon (pitch moves it).
        x (float): Position across the road, metres.
        z (float): Position along the road, metres.
        yaw (float): Rotation to the right, radians.
    """

    width: int
    height: int
    focal: float
    cx: float
    cy: float
    x: float = 0.0
    z: float = 0.0
    yaw: float = 0.0

    @classmethod
    def kitti(
        cls,
        width: int,
        height: int,
        x: float = 0.0,
        z: float = 0.0,
        yaw: float = 0.0,
        pitch: float = 0.0,
        focal_ratio: float = FOCAL_RATIO,
    ) -> 'Camera':
        """Build KITTI's camera for an image size.

        ``pitch`` is in image heights, ``focal_ratio`` the focal length in widths.
        """
        return cls(
            width,
            height,
            focal_ratio * width,
            0.5 * width,
            (HORIZON_RATIO + pitch) * height,
            x,
            z,
            yaw,
        )

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World to camera axes, (..., 3) float to (..., 3) float.

        The origin of the camera axes lies on the road under the camera.
        """
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        rotation = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        return (points - [self.x, 0, self.z]) @ rotation

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points in camera axes, (..., 3) float, to pixels (..., 2)."""
        scale = self.focal / np.maximum(points[..., 2], NEAR)
        pixels = np.empty((*points.shape[:-1], 2))
        pixels[..., 0] = self.cx + scale * points[..., 0]
        pixels[..., 1] = self.cy + scale * (CAMERA_HEIGHT - points[..., 1])
        return pixels

    def depth_of_row(self, row: float) -> float:
        """Depth in metres at which the road appears in a row, at most 80."""
        return float(
            np.clip(self.focal * CAMERA_HEIGHT / max(row - self.cy, 1e-3), 1.5, 80)
        )

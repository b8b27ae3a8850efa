# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Layers: patches with coverage that are composited from far to near."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass
class Sprite:
    """A patch of an image with its coverage.

    Attributes:
        x (int): Column of the patch's left edge in the frame.
        y (int): Row of the patch's top edge in the frame.
        colour (ndarray): BGR in 0..255 times coverage, (h, w, 3) float32.
        alpha (ndarray): Coverage in [0, 1], (h, w) float32.
        depth (float): Distance in metres.
        track_id (int): Identity of the object; 0 is scenery.
    """

    x: int
    y: int
    colour: np.ndarray
    alpha: np.ndarray
    depth: float = 0.0
    track_id: int = 0

    @property
    def rows(self) -> slice:
        """slice: Rows of the frame under the patch."""
        return slice(self.y, self.y + self.alpha.shape[0])

    @property
    def cols(self) -> slice:
        """slice: Columns of the frame under the patch."""
        return slice(self.x, self.x + self.alpha.shape[1])

    def blend(self, frame: np.ndarray) -> None:
        """Draw the patch over ``frame``, (H, W, 3) float32, in place."""
        window = frame[self.rows, self.cols]
        window *= 1 - self.alpha[..., None]
        window += self.colour

    def blur(self, sigma: float) -> None:
        """Blur colour and coverage by ``sigma`` pixels, in place."""
        if sigma > 0.2:
            size = 2 * int(np.ceil(2 * sigma)) + 1
            self.colour = cv2.GaussianBlur(self.colour, (size, size), sigma)
            self.alpha = cv2.GaussianBlur(self.alpha, (size, size), sigma)

    def add_haze(self, haze: np.ndarray, density: float) -> None:
        """Mix the colour with ``haze`` (BGR), more the farther away, in place."""
        clear = np.float32(np.exp(-self.depth * density))
        self.colour *= clear
        self.colour += (1 - clear) * self.alpha[..., None] * haze


def frame_window(
    points: np.ndarray, width: int, height: int, margin: int = 2
) -> tuple[int, int, int, int] | None:
    """Part of the frame that contains points.

    Args:
        points (ndarray): Pixels (..., 2) float.
        width (int): Frame width.
        height (int): Frame height.
        margin (int): Pixels added on each side, inside the frame.

    Returns:
        tuple[int] | None: x0, y0, x1, y1 (ends exclusive), or None when the points
        lie outside the frame.
    """
    x, y = points[..., 0], points[..., 1]
    x0 = max(int(np.floor(x.min())) - margin, 0)
    y0 = max(int(np.floor(y.min())) - margin, 0)
    x1 = min(int(np.ceil(x.max())) + margin, width)
    y1 = min(int(np.ceil(y.max())) + margin, height)
    if x1 - x0 < 1 or y1 - y0 < 1:
        return None
    return x0, y0, x1, y1


class Canvas:
    """Paints flat polygons with a material each, larger than they will be shown.

    Polygons are drawn hard-edged at ``factor`` times the size; averaging down then
    gives exact coverage without seams between neighbours.

    Args:
        window (tuple[int]): x0, y0, x1, y1 of the frame that is painted.
        factor (int): Supersampling factor.
    """

    SHIFT = 4  # sub-pixel bits of OpenCV's polygon vertices

    def __init__(self, window: tuple[int, int, int, int], factor: int = 2) -> None:
        self.window = window
        self.factor = factor
        x0, y0, x1, y1 = window
        self.image = np.zeros(((y1 - y0) * factor, (x1 - x0) * factor, 4), np.uint8)

    def paint(
        self, polygons: np.ndarray, colours: np.ndarray, materials: np.ndarray
    ) -> None:
        """Paint convex polygons in order.

        Args:
            polygons (ndarray): Frame pixels, (n, k, 2) float; repeat the last vertex
                to pad.
            colours (ndarray): BGR, (n, 3).
            materials (ndarray): Material numbers 1..255, (n,).
        """
        vertices = (polygons - self.window[:2]) * (self.factor * 2**self.SHIFT)
        vertices = np.clip(vertices, -3e5, 3e5).astype(np.int32)
        paints = np.concatenate([np.clip(colours, 0, 255), materials[:, None]], 1)
        for outline, paint in zip(vertices, paints.tolist()):
            cv2.fillConvexPoly(self.image, outline, paint, shift=self.SHIFT)

    def texture(self, texture: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Stretch a texture over a box of the frame.

        Args:
            texture (ndarray): (h, w) or (h, w, c) float32.
            box (ndarray): x0, y0, x1, y1 in frame pixels; may reach out of frame.

        Returns:
            ndarray: The texture under the canvas, (rows, cols[, c]) float32.
        """
        height, width = texture.shape[:2]
        scale_x = width / max(box[2] - box[0], 1e-3)
        scale_y = height / max(box[3] - box[1], 1e-3)
        matrix = np.array(
            [
                [scale_x / self.factor, 0, (self.window[0] - box[0]) * scale_x],
                [0, scale_y / self.factor, (self.window[1] - box[1]) * scale_y],
            ]
        )
        return cv2.warpAffine(
            texture,
            matrix,
            self.image.shape[1::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def sprite(self, colour: np.ndarray, depth: float, track_id: int = 0) -> Sprite:
        """Average ``colour``, (rows, cols, 3) float32 at canvas size, to a sprite."""
        covered = (self.image[..., 3] > 0).astype(np.float32)
        x0, y0, x1, y1 = self.window
        size = (x1 - x0, y1 - y0)
        colour = np.clip(colour, 0, 255) * covered[..., None]
        return Sprite(
            x0,
            y0,
            cv2.resize(colour, size, interpolation=cv2.INTER_AREA),
            cv2.resize(covered, size, interpolation=cv2.INTER_AREA),
            depth,
            track_id,
        )

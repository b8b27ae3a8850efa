# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np

from .camera import CAMERA_HEIGHT, Camera
from .textures import PatchSource, fractal_noise

PIXELS_PER_METRE = 24
PERIOD = 24.0  # metres along the road after which the texture repeats
HALF_WIDTH = 14.0  # metres across the road, on each side of the camera's lane


class RoadLayout:
    """Positions across the road, metres; the camera drives near x = 0.

    Args:
        rng (np.random.Generator): Source of all choices.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        lane = rng.uniform(3.1, 3.7)
        self.lane_width = lane
        self.right_curb = lane / 2 + (2.2 if rng.random() < 0.7 else 0.4)
        self.left_curb = -1.5 * lane - (2.2 if rng.random() < 0.7 else 0.4)
        self.sidewalk_width = rng.uniform(2.2, 4.0)

    def curb(self, side: int) -> float:
        """Edge of the roadway on side -1 (left) or 1 (right), metres."""
        return self.left_curb if side < 0 else self.right_curb

    def outer(self, side: int) -> float:
        """Far edge of the sidewalk on a side, metres."""
        return self.curb(side) + side * self.sidewalk_width


class Ground:
    """Textured road plane with lane marks, kerbs and sidewalks.

    Args:
        rng (np.random.Generator): Source of all choices.
        layout (RoadLayout): Where road and sidewalks lie.
        source (PatchSource | None): Real road patches, or None.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        layout: RoadLayout,
        source: PatchSource | None,
    ) -> None:
        image = self._draw(rng, layout, source)
        # Coarser levels stand for the averaging of many texels in a far pixel.
        self.levels = [image]
        for sigma in (3, 12):
            wrapped = np.vstack([image[-48:], image, image[:48]])
            wrapped = cv2.GaussianBlur(wrapped, (0, 0), sigmaX=sigma, sigmaY=2 * sigma)
            self.levels.append(wrapped[48:-48])
        self.levels = [np.vstack([level, level[:2]]) for level in self.levels]

    def _draw(self, rng, layout, source) -> np.ndarray:
        rows = int(PERIOD * PIXELS_PER_METRE)
        cols = int(2 * HALF_WIDTH * PIXELS_PER_METRE)
        x = (np.arange(cols) + 0.5) / PIXELS_PER_METRE - HALF_WIDTH
        tint = np.array(
            [1 + rng.uniform(-0.04, 0.06), 1.0, 1 + rng.uniform(-0.06, 0.05)]
        )
        grey = rng.uniform(70, 135)
        grain = fractal_noise(rng, rows, cols, 24, 4)
        stain = _periodic(fractal_noise(rng, rows, cols, 3, 3))
        image = grey * (1 + 0.07 * grain + 0.06 * stain)[..., None] * tint
        if source is not None:
            patch = source.patch(rng, 'road', 192)
            patch = np.tile(patch, (rows // 192 + 1, cols // 192 + 1, 1))[:rows, :cols]
            image = 0.45 * image + 0.55 * patch
        # Tyres polish two strips of each lane.
        for centre in (0.0, -layout.lane_width):
            for wheel in (-0.75, 0.75):
                strip = np.exp(-(((x - centre - wheel) / 0.28) ** 2))
                image *= (1 - 0.1 * strip)[None, :, None]
        self._draw_patches(rng, image)
        self._draw_marks(rng, layout, image)
        self._draw_sidewalks(rng, layout, image, x, grain)
        return np.clip(image, 5, 250).astype(np.float32)

    def _draw_patches(self, rng, image) -> None:
        rows, cols = image.shape[:2]
        for _ in range(10):  # repaired asphalt, manholes, cracks
            col, row = int(rng.integers(cols)), int(rng.integers(rows))
            shade = rng.uniform(0.72, 1.18)
            if rng.random() < 0.4:
                cv2.circle(image, (col, row), 8, (image[row, col] * shade).tolist(), -1)
            else:
                window = image[
                    row : row + int(rng.integers(10, 90)),
                    col : col + int(rng.integers(10, 50)),
                ]
                window *= shade
        for _ in range(6):
            walk = np.cumsum(rng.normal(0, [2.5, 9], (30, 2)), 0)
            walk += rng.uniform(0, [cols, rows])
            colour = (image.mean((0, 1)) * 0.7).tolist()
            cv2.polylines(image, [walk.astype(np.int32)], False, colour, 1)

    def _draw_marks(self, rng, layout, image) -> None:
        scale, paint = PIXELS_PER_METRE, rng.uniform(165, 235)
        wear = fractal_noise(rng, *image.shape[:2], 30, 3)

        def mark(x0: float, x1: float, z0: float, z1: float) -> None:
            rows = slice(int(z0 * scale), int(z1 * scale))
            cols = slice(
                int((x0 + HALF_WIDTH) * scale), int((x1 + HALF_WIDTH) * scale) + 1
            )
            cover = np.clip(0.75 + 0.25 * wear[rows, cols], 0.2, 0.95)[..., None]
            image[rows, cols] = image[rows, cols] * (1 - cover) + paint * cover

        centre = -layout.lane_width / 2
        dash = float(rng.choice([3.0, 4.0, 6.0]))
        for start in np.arange(0, PERIOD, 2 * dash):
            mark(centre - 0.07, centre + 0.07, start, start + dash)
        if rng.random() < 0.5:
            for edge in (layout.lane_width / 2, -1.5 * layout.lane_width):
                mark(edge - 0.05, edge + 0.05, 0, PERIOD)
        if rng.random() < 0.25:  # zebra crossing
            for x in np.arange(layout.left_curb + 0.3, layout.right_curb - 0.4, 1.0):
                mark(x, x + 0.5, 10, 13)

    def _draw_sidewalks(self, rng, layout, image, x, grain) -> None:
        rows = image.shape[0]
        for side in (-1, 1):
            curb, outer = layout.curb(side), layout.outer(side)
            walk = (side * x > side * curb) & (side * x < side * outer)
            grey = rng.uniform(95, 175)
            slabs = grey * (1 + 0.05 * grain[:, walk])
            step = int(rng.integers(10, 20))
            slabs[np.arange(rows) % step == 0] *= 0.82
            slabs[:, np.arange(walk.sum()) % step == 0] *= 0.85
            tint = np.array([rng.uniform(0.85, 1.02), 0.97, 1.0])
            image[:, walk] = slabs[..., None] * tint
            image[:, np.abs(x - curb) < 0.09] = grey * 1.12
            image[:, np.abs(x - curb + side * 0.13) < 0.06] *= 0.6  # gutter
            beyond = side * x >= side * outer
            if rng.random() < 0.5:  # grass
                green = np.array([45, 85, 70]) * rng.uniform(0.7, 1.3)
                image[:, beyond] = green * (1 + 0.2 * grain[:, beyond, None])
            else:
                image[:, beyond] = grey * 0.85 * (1 + 0.06 * grain[:, beyond, None])

    def render(self, camera: Camera, haze: np.ndarray) -> tuple[int, np.ndarray]:
        """Draw the plane below the horizon.

        Args:
            camera (Camera): Where it is seen from.
            haze (ndarray): Colour of the distance, BGR (3,).

        Returns:
            tuple[int, ndarray]: The first row drawn and the rows from there down,
            (rows, width, 3) float32.
        """
        top = int(np.clip(np.floor(camera.cy) + 1, 1, camera.height - 1))
        v, u = np.mgrid[top : camera.height, 0 : camera.width].astype(np.float32)
        depth = camera.focal * CAMERA_HEIGHT / np.maximum(v - camera.cy, 0.3)
        lateral = (u - camera.cx) * depth / camera.focal
        cos, sin = np.cos(camera.yaw), np.sin(camera.yaw)
        x = cos * lateral + sin * depth + camera.x
        z = -sin * lateral + cos * depth + camera.z
        limit = HALF_WIDTH - 0.1
        col = (np.clip(x, -limit, limit) + HALF_WIDTH) * PIXELS_PER_METRE - 0.5
        row = np.mod(z, PERIOD) * PIXELS_PER_METRE
        col, row = col.astype(np.float32), row.astype(np.float32)
        # Texels under a pixel grow with depth; weights of the three levels.
        texels = depth / camera.focal * PIXELS_PER_METRE
        level = np.clip(np.log2(np.maximum(texels, 1e-3)) / 2, 0, 2)
        image = np.zeros((*v.shape, 3), np.float32)
        for index, texture in enumerate(self.levels):
            weight = np.maximum(0, 1 - np.abs(level - index))
            used = np.flatnonzero(weight.max(1) > 0)
            if not len(used):
                continue
            rows = slice(used[0], used[-1] + 1)
            part = cv2.remap(texture, col[rows], row[rows], cv2.INTER_LINEAR)
            image[rows] += part * weight[rows, :, None]
        clear = np.exp(-np.minimum(depth, 300) / 160)[..., None]
        return top, image * clear + (1 - clear) * haze


def _periodic(noise: np.ndarray) -> np.ndarray:
    """Blend the last rows into the first so that the texture tiles along rows."""
    edge = noise.shape[0] // 6
    ramp = np.linspace(0, 1, edge, dtype=np.float32)[:, None]
    noise = noise.copy()
    noise[-edge:] = noise[-edge:] * (1 - ramp) + noise[:edge][::-1] * ramp
    return noise

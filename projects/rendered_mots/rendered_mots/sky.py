# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np

from .camera import Camera
from .textures import PatchSource, earth_colour, fractal_noise, leaves

ROWS, COLS = 128, 2048  # of the panorama over 180 degrees


class Sky:
    """Sky and far skyline: a panorama that only the camera's rotation moves.

    Args:
        rng (np.random.Generator): Source of all choices.
        facades (list[ndarray]): House fronts, (h, w, 3) float32 each.
        haze (ndarray): Colour of the distance, BGR (3,).
        source (PatchSource | None): Real foliage, or None.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        facades: list[np.ndarray],
        haze: np.ndarray,
        source: PatchSource | None,
    ) -> None:
        height, width = ROWS, COLS
        # Overcast white to clear blue, brighter towards the horizon.
        blue, bright = rng.uniform(0, 1), rng.uniform(175, 245)
        zenith = bright * (1 - blue * np.array([0.05, 0.25, 0.48]))
        horizon = (0.25 * bright + 185) * (1 - 0.07 * blue * np.array([0, 0.4, 1]))
        t = np.linspace(0, 1, height)[:, None, None] ** 0.8
        image = (zenith * (1 - t) + horizon * t).astype(np.float32)
        image = np.repeat(image, width, axis=1)
        cloud = cv2.resize(
            fractal_noise(rng, height, width // 2, 2, 5), (width, height)
        )
        cover = np.clip((cloud - rng.uniform(-0.3, 1.2)) * 0.7, 0, 1)[..., None]
        image += (rng.uniform(205, 250) - image) * cover
        far = leaves(rng, height, 512, source)
        far = np.hstack([far, far[:, ::-1]] * 2) * rng.uniform(0.75, 1.05)
        outline = 16 + 7 * fractal_noise(rng, 8, width, 1, 6)[4]
        below = height - 1 - np.arange(height)[:, None] < outline
        image[below] = 0.72 * far[below] + 0.28 * haze
        for _ in range(int(rng.integers(8, 26))):  # far houses
            x, w = int(rng.integers(width)), int(rng.integers(20, 90))
            h = int(rng.integers(10, 52))
            front = cv2.resize(facades[int(rng.integers(6))], (w, h))
            part = image[height - h :, x : x + w]
            part[:] = 0.75 * front[:, : part.shape[1]] + 0.25 * haze
        image[-12:] = cv2.GaussianBlur(image, (0, 0), 1.5)[-12:]
        roof = earth_colour(rng) * 0.5
        for _ in range(int(rng.integers(2, 8))):  # masts and lamp posts
            x, h = int(rng.integers(width)), int(rng.integers(30, 110))
            cv2.line(image, (x, height - h), (x, height), roof.tolist(), 1, cv2.LINE_AA)
        self._image = np.clip(image, 0, 255)

    def render(self, camera: Camera, rows: int) -> np.ndarray:
        """Draw the rows above the horizon.

        Args:
            camera (Camera): Where it is seen from.
            rows (int): Row of the horizon.

        Returns:
            ndarray: (rows, width, 3) float32 BGR.
        """
        angle = np.arctan((np.arange(camera.width) - camera.cx) / camera.focal)
        col = ((angle + camera.yaw) / np.pi * COLS + COLS / 2).astype(np.float32)
        row = ROWS - 1 + (np.arange(rows) - rows) / camera.focal * COLS / np.pi * 0.8
        row = np.clip(row, 0, ROWS - 1).astype(np.float32)
        return cv2.remap(
            self._image,
            np.repeat(col[None], rows, 0),
            np.repeat(row[:, None], camera.width, 1),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np

from .rng import generator


class Sensor:
    """What a camera does to light: blur, exposure, colour cast, noise, JPEG.

    The settings belong to the sequence, the noise and a small drift of the exposure
    to the frame.

    Args:
        seed (int): Seed of the data set.
        sequence (str): Name of the sequence.
        width (int): Image width in pixels; blur grows with it.
    """

    def __init__(self, seed: int, sequence: str, width: int) -> None:
        rng = generator(seed, 'sensor', sequence)
        self._seed, self._sequence = seed, sequence
        self.pixel = float(np.clip(width / 620, 0.7, 2.0))
        self._blur = rng.uniform(0.35, 0.65) * self.pixel
        self._contrast = rng.uniform(0.88, 1.1)
        self._offset = rng.uniform(-12, 12) + rng.uniform(-5, 5, 3)
        self._noise = rng.uniform(2.0, 5.0)
        self._quality = int(rng.integers(80, 95))

    def depth_blur(self, depth: float) -> float:
        """Blur in pixels of a layer at a depth, on top of the lens's own."""
        far = 0.5 * np.clip((depth - 15) / 40, 0, 1)
        near = 0.6 * np.clip((5 - depth) / 4, 0, 1)
        return float((far + near) * self.pixel)

    def expose(self, image: np.ndarray, frame: int) -> np.ndarray:
        """Turn radiance into a picture.

        Args:
            image (ndarray): (h, w, 3) float32 BGR.
            frame (int): Frame number.

        Returns:
            ndarray: (h, w, 3) uint8 BGR.
        """
        rng = generator(self._seed, 'noise', self._sequence, frame)
        drift = 4 * np.sin(0.15 * frame + self._noise) + rng.normal(0, 0.6)
        image = (image - 128) * self._contrast + (128 + drift + self._offset)
        image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), self._blur)
        height, width = image.shape[:2]
        image += rng.standard_normal((height, width, 3), np.float32) * self._noise
        coarse = rng.standard_normal((height // 2 + 1, width // 2 + 1), np.float32)
        coarse *= 0.5 * self._noise
        image += cv2.resize(coarse, (width, height))[..., None]
        image = np.clip(image, 0, 255).astype(np.uint8)
        options = [cv2.IMWRITE_JPEG_QUALITY, self._quality]
        return cv2.imdecode(cv2.imencode('.jpg', image, options)[1], cv2.IMREAD_COLOR)

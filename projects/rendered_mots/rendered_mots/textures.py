# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Textures of the street: facades, foliage, road; drawn or from real frames."""

from pathlib import Path

import cv2
import numpy as np

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp')


def fractal_noise(
    rng: np.random.Generator, height: int, width: int, cells: int = 4, octaves: int = 4
) -> np.ndarray:
    """Smooth noise of several scales.

    Args:
        rng (np.random.Generator): Source of the noise.
        height (int): Rows.
        width (int): Columns.
        cells (int): Bumps of the coarsest octave along the shorter side.
        octaves (int): Number of scales, each half as large and half as strong.

    Returns:
        ndarray: (height, width) float32, zero mean, unit standard deviation.
    """
    noise = np.zeros((height, width), np.float32)
    side = min(height, width)
    for octave in range(octaves):
        grid = cells * 2**octave
        shape = (max(2, grid * height // side), max(2, grid * width // side))
        values = rng.standard_normal(shape, dtype=np.float32)
        noise += 0.5**octave * cv2.resize(
            values, (width, height), interpolation=cv2.INTER_LINEAR
        )
    noise -= noise.mean()
    return noise / max(float(noise.std()), 1e-6)


class PatchSource:
    """Square patches of real frames, used as wall, foliage and road textures.

    Walls and foliage come from the upper half and are small, so that no whole
    object of the frame survives; roads are the smoothest of several patches of the
    lowest quarter.

    Args:
        folder (str | Path): Folder of frames, jpg or png.
        rng (np.random.Generator): Chooses the frames.
        max_frames (int): Frames kept in memory.

    Raises:
        ValueError: If the folder is missing or has no readable frame.
    """

    def __init__(
        self, folder: str | Path, rng: np.random.Generator, max_frames: int = 6
    ) -> None:
        paths = list_images(folder)
        chosen = rng.permutation(len(paths))[:max_frames]
        self.frames = []
        for index in sorted(chosen.tolist()):
            frame = cv2.imread(str(paths[index]))
            if frame is None or min(frame.shape[:2]) < 64:
                raise ValueError(f'background {paths[index]} is no image of >= 64 px')
            self.frames.append(frame)

    def patch(self, rng: np.random.Generator, kind: str, size: int) -> np.ndarray:
        """Take a patch, mirrored to tile without seams.

        Args:
            rng (np.random.Generator): Chooses the place.
            kind (str): 'wall', 'leaf' or 'road'.
            size (int): Side of the result in pixels.

        Returns:
            ndarray: (size, size, 3) float32 BGR in 0..255.
        """
        candidates = []
        for _ in range(8):
            frame = self.frames[int(rng.integers(len(self.frames)))]
            height, width = frame.shape[:2]
            low, high = (0.72, 1.0) if kind == 'road' else (0.05, 0.5)
            side = int(min(rng.uniform(0.12, 0.24) * height, (high - low) * height))
            y = int(rng.uniform(low * height, high * height - side))
            x = int(rng.uniform(0, width - side))
            candidates.append(frame[y : y + side, x : x + side])
        grain = [float(np.std(patch, axis=(0, 1)).mean()) for patch in candidates]
        order = np.argsort(grain)
        rank = {'road': 0, 'wall': 3, 'leaf': 6}[kind]
        patch = candidates[order[rank]]
        patch = np.hstack([patch, patch[:, ::-1]])
        patch = np.vstack([patch, patch[::-1]])
        return cv2.resize(patch, (size, size), interpolation=cv2.INTER_AREA).astype(
            np.float32
        )


def list_images(folder: str | Path) -> list[Path]:
    """Image files of a folder, sorted.

    Raises:
        ValueError: If the folder is missing or holds none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f'backgrounds folder {folder} does not exist')
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise ValueError(f'backgrounds folder {folder} holds no jpg or png frame')
    return paths


def earth_colour(rng: np.random.Generator) -> np.ndarray:
    """Colour of plaster, brick or stone: BGR (3,) float32."""
    grey = rng.uniform(70, 215)
    warmth = rng.uniform(-0.02, 0.22) if rng.random() < 0.8 else rng.uniform(-0.15, 0)
    colour = grey * np.array([1 - warmth, 1.0, 1 + 0.7 * warmth])
    return colour.astype(np.float32)


def facade(rng: np.random.Generator, source: PatchSource | None) -> np.ndarray:
    """House front of about 12 m x 9 m.

    Args:
        rng (np.random.Generator): Source of all choices.
        source (PatchSource | None): Real walls; None draws plaster and brick.

    Returns:
        ndarray: (192, 256, 3) float32 BGR.
    """
    height, width = 192, 256
    wall = np.ones((height, width, 3), np.float32) * earth_colour(rng)
    wall *= 1 + 0.05 * fractal_noise(rng, height, width, 3, 6)[..., None]
    if source is not None:
        patch = cv2.resize(source.patch(rng, 'wall', 128), (width, height))
        wall = 0.35 * wall + 0.65 * patch
    elif rng.random() < 0.35:  # brick courses
        rows = np.arange(height)
        wall[rows % 4 == 0] *= 0.82
        wall[:, ::9] *= 0.9
    if rng.random() < 0.2:  # blind wall, perhaps with a poster
        x, y = int(rng.integers(10, 150)), int(rng.integers(60, 110))
        blend = np.clip(0.5 + 0.5 * fractal_noise(rng, 50, 70, 3, 3), 0, 1)[..., None]
        paints = rng.uniform(30, 220, (2, 3))
        wall[y : y + 50, x : x + 70] = paints[0] * blend + paints[1] * (1 - blend)
        return np.clip(wall, 0, 255)
    _draw_windows(rng, wall)
    wall[:6] *= 0.6  # eaves
    wall[6:12] *= 0.85
    return np.clip(wall, 0, 255)


def _draw_windows(rng: np.random.Generator, wall: np.ndarray) -> None:
    height, width = wall.shape[:2]
    floors, columns = int(rng.integers(2, 4)), int(rng.integers(3, 7))
    step_x, step_y = width / columns, (height - 16) / floors
    share_w, share_h = rng.uniform(0.35, 0.6), rng.uniform(0.45, 0.65)
    frame_colour = np.float32(rng.uniform(60, 240))
    shop = rng.random() < 0.4
    glass_noise = fractal_noise(rng, height, width, 5, 3)
    for floor in range(floors):
        ground = floor == floors - 1
        for column in range(columns):
            w, h = step_x * share_w, step_y * share_h
            if ground and shop:
                w, h = step_x * 0.85, step_y * 0.75
            x = int(column * step_x + (step_x - w) / 2)
            y = int(14 + floor * step_y + (step_y - h) * (0.9 if ground else 0.45))
            if ground and not shop and rng.random() < 0.25:  # door
                h = height - y
            x1, y1 = int(x + w), int(min(y + h, height))
            wall[y - 2 : y1 + 2, x - 2 : x1 + 2] = frame_colour
            base = rng.uniform(20, 90) * np.array([1.12, 1.0, 0.95])
            pane = glass_noise[y:y1, x:x1, None] * 18 + base
            pane[: (y1 - y) // 2] += rng.uniform(0, 50)
            if rng.random() < 0.4:  # curtain
                pane[:, : (x1 - x) // 3] = rng.uniform(90, 210)
            wall[y:y1, x:x1] = pane
            wall[y:y1, (x + x1) // 2] = frame_colour
            wall[y1 + 2 : y1 + 5, x - 3 : x1 + 3] *= 0.7  # sill and its shade


def leaves(
    rng: np.random.Generator, height: int, width: int, source: PatchSource | None
) -> np.ndarray:
    """Foliage without outline: (height, width, 3) float32 BGR."""
    # From fresh green to autumn brown; leaves hardly reflect blue.
    light, autumn = rng.uniform(55, 115), rng.uniform(0, 1) ** 2
    green = light * np.array(
        [rng.uniform(0.4, 0.65), 1 - 0.2 * autumn, 0.72 + autumn * 0.4]
    )
    fine = fractal_noise(rng, height, width, 10, 4)
    coarse = fractal_noise(rng, height, width, 3, 2)
    image = green * (1 + 0.38 * fine + 0.25 * coarse)[..., None]
    if source is not None:
        patch = cv2.resize(source.patch(rng, 'leaf', 96), (width, height))
        image = 0.5 * image + 0.5 * patch * (1 + 0.25 * fine)[..., None]
    return np.clip(image, 4, 255).astype(np.float32)


def plant(
    rng: np.random.Generator, kind: str, source: PatchSource | None
) -> np.ndarray:
    """Tree, bush or hedge with coverage.

    Args:
        rng (np.random.Generator): Source of all choices.
        kind (str): 'tree', 'bush' or 'hedge'.
        source (PatchSource | None): Real foliage, or None.

    Returns:
        ndarray: (128, w, 4) float32: BGR in 0..255 and coverage in 0..1, not
        multiplied.
    """
    height, width = 128, {'tree': 112, 'bush': 144, 'hedge': 256}[kind]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    noise = fractal_noise(rng, height, width, 5, 4)
    image = leaves(rng, height, width, source)
    light = 1.12 - 0.35 * (y + 1) / 2 - 0.12 * x * rng.choice([-1.0, 1.0])
    image *= light[..., None]
    if kind == 'tree':
        crown = 1 - (x / 0.92) ** 2 - ((y + 0.3) / 0.68) ** 2 + 0.33 * noise
        alpha = (crown > 0).astype(np.float32)
        lean = rng.uniform(-0.08, 0.08)
        trunk = (np.abs(x - lean * y) < 0.06 + 0.03 * y) & (y > 0)
        bark = rng.uniform(45, 95) * np.array([0.8, 0.93, 1.0])
        image[trunk & (alpha == 0)] = bark
        image[trunk] *= (0.8 + 0.25 * noise[trunk])[:, None].clip(0.4, 1.3)
        alpha[trunk] = 1
    elif kind == 'bush':
        alpha = (1 - x**2 - np.minimum(y, 0.2) ** 2 + 0.3 * noise > 0.1).astype('f4')
    else:
        alpha = (y > -0.8 + 0.1 * noise).astype(np.float32)
        alpha[:, :2] = alpha[:, -2:] = 0
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    return np.dstack([np.clip(image, 0, 255), alpha]).astype(np.float32)

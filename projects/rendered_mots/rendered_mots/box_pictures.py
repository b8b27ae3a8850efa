# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Appearance for a given silhouette: parts are placed in the object's box."""

import cv2
import numpy as np

from .camera import Camera
from .car_painter import CarPainter
from .materials import BAG, BOTTOM, HAIR, SHOE, SKIN, TOP
from .pedestrian_painter import PedestrianPainter
from .sprite import Canvas

BOX_CAMERA = Camera(0, 0, 1.0, 0.0, 0.0)  # only directions matter: boxes are scaled


def car_heading(aspect: float, rear: bool, side: int) -> float:
    """Heading of a car whose box has an aspect ratio.

    Narrow boxes (width 1.25 heights) are seen from the rear or front, wide ones
    (2.7 heights) from the side; between them the view turns.

    Args:
        aspect (float): Width over height of the box.
        rear (bool): Whether the rear faces the camera.
        side (int): 1 left of the image centre (its right-hand side shows), else -1.

    Returns:
        float: Heading for :meth:`CarPainter.box_picture`, radians.
    """
    turn = np.clip((aspect - 1.25) / 1.45, 0, 1) ** 1.4 * np.pi / 2
    return (0.0 if rear else np.pi) + side * float(turn)


def whole_car_box(
    box: np.ndarray, frame_size: tuple[int, int], aspect: float, side: int
) -> np.ndarray:
    """Grow the box of a visible part to the box of the whole car.

    Args:
        box (ndarray): Box of the mask, x0, y0, x1, y1.
        frame_size (tuple[int]): Width and height of the frame.
        aspect (float): Width over height of the car where it is seen whole.
        side (int): Direction (-1, 1) in which a hidden part is guessed.

    Returns:
        ndarray: Box that contains ``box``; may reach out of the frame.
    """
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    if width > 3.3 * height:  # only a strip of the roof is to be seen
        y1 = y0 + width / 2.4
    missing = max(aspect * height - width, 0.0)
    if x0 <= 1:
        x0 -= missing
    elif x1 >= frame_size[0] - 1:
        x1 += missing
    elif width < 0.85 * height:  # narrower than any car: something hides the rest
        grown = 1.25 * height - width
        x0, x1 = (x0 - grown, x1) if side < 0 else (x0, x1 + grown)
    return np.array([x0, y0, x1, y1])


def car_picture(
    painter: CarPainter,
    window: tuple[int, int, int, int],
    box: np.ndarray,
    heading: float,
    sun: np.ndarray,
) -> np.ndarray:
    """Part of a car's picture that lies in a window.

    Args:
        painter (CarPainter): The identity.
        window (tuple[int]): x0, y0, x1, y1 in frame pixels.
        box (ndarray): Box of the whole car in frame pixels.
        heading (float): From :func:`car_heading`.
        sun (ndarray): Direction to the sun (3,).

    Returns:
        ndarray: (rows, cols, 3) float32 BGR, filled also beside the car.
    """
    vertices, normals = painter.place(0.0, 12.0, heading)
    uv = BOX_CAMERA.project(vertices)
    u, v = uv[..., 0], uv[..., 1]
    low, high = np.array([u.min(), v.min()]), np.array([u.max(), v.max()])
    uv = (uv - low) / (high - low) * (box[2:] - box[:2]) + box[:2]
    factor = 3 if window[3] - window[1] < 40 else 2
    canvas = painter.paint(vertices, normals, vertices, uv, window, factor, sun)
    colour = painter.look.apply(canvas, box)
    sprite = canvas.sprite(colour, 0.0)
    # Beyond the outline: a blurred continuation of the car itself.
    rows, cols = sprite.alpha.shape
    sigma = max(1.0, 0.08 * min(rows, cols))
    size = 2 * int(2 * sigma) + 1
    spread = cv2.GaussianBlur(sprite.alpha, (size, size), sigma) + 1e-3
    fill = cv2.GaussianBlur(sprite.colour, (size, size), sigma) / spread[..., None]
    body = painter.mesh.colours[0] * 0.6
    fill = np.where(spread[..., None] > 0.02, fill, body)
    return (sprite.colour + (1 - sprite.alpha[..., None]) * fill).astype(np.float32)


def pedestrian_picture(
    painter: PedestrianPainter,
    window: tuple[int, int, int, int],
    alpha: np.ndarray,
    box: np.ndarray,
    faces_camera: bool,
    light: float,
) -> np.ndarray:
    """Dress a silhouette: bands from hair to shoes that follow its rows.

    Args:
        painter (PedestrianPainter): The identity.
        window (tuple[int]): x0, y0, x1, y1 in frame pixels.
        alpha (ndarray): Coverage of the silhouette in the window, (rows, cols).
        box (ndarray): Box of the whole person in frame pixels.
        faces_camera (bool): Whether the face or the back of the head shows.
        light (float): Where the light comes from, -1 left to 1 right.

    Returns:
        ndarray: (rows, cols, 3) float32 BGR.
    """
    rows, cols = alpha.shape
    y, x = np.mgrid[0:rows, 0:cols].astype(np.float32) + np.float32(0.5)
    v = (y + window[1] - box[1]) / max(box[3] - box[1], 1)
    # Position within the silhouette's own row, smoothed over rows.
    column = cv2.GaussianBlur(alpha + 1e-4, (1, 2 * (rows // 20) + 1), 0)
    middle = (column * x).sum(1) / column.sum(1)
    spread = np.sqrt((column * (x - middle[:, None]) ** 2).sum(1) / column.sum(1))
    u = (x - middle[:, None]) / np.maximum(2 * spread, 1)[:, None]
    material = np.full((rows, cols), TOP, np.uint8)
    waist = 0.5
    hem = {'coat': 0.7, 'skirt': 0.68}.get(painter.garment, waist)
    material[v > waist] = BOTTOM
    if painter.garment == 'coat':
        material[(v > waist) & (v < hem)] = TOP
    elif painter.garment == 'skirt':
        material[v > hem] = SKIN
    hands = (np.abs(u) > 0.75) & (v > 0.44) & (v < 0.52)
    arms = (np.abs(u) > 0.8) & (v > 0.3) & (v < 0.44)
    material[hands | (arms & (not painter.sleeves))] = SKIN
    material[v < 0.155] = SKIN
    hair = 0.055 if faces_camera else 0.12
    material[v < hair] = BAG if painter.hat else HAIR
    if painter.long_hair:
        material[(v < 0.19) & (np.abs(u) > (0.55 if faces_camera else 0))] = HAIR
    material[v > 0.945] = SHOE
    side = 1 if painter.phase > np.pi else -1
    if painter.bag == 'back' and not faces_camera:
        material[(np.abs(u) < 0.6) & (v > 0.2) & (v < 0.45)] = BAG
    elif painter.bag != 'none':
        material[(side * u > 0.55) & (v > 0.42) & (v < 0.6)] = BAG
    canvas = Canvas(window, 1)
    palette = np.zeros((32, 3), np.float32)
    for number, colour in painter.colours.items():
        palette[number] = colour
    canvas.image[..., :3] = palette[material]
    canvas.image[..., 3] = material
    colour = painter.look.apply(canvas, box)
    return colour * _roundness(alpha, light)[..., None]


def _roundness(alpha: np.ndarray, light: float) -> np.ndarray:
    """Shading of a silhouette as if its limbs were round: (rows, cols) about 1."""
    padded = cv2.copyMakeBorder(alpha, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
    sigma = max(0.7, 0.025 * alpha.shape[0])
    size = 2 * int(2 * sigma) + 1
    hill = cv2.GaussianBlur(padded, (size, size), sigma)
    slope_x = cv2.Sobel(hill, cv2.CV_32F, 1, 0, scale=0.125) * sigma
    slope_y = cv2.Sobel(hill, cv2.CV_32F, 0, 1, scale=0.125) * sigma
    shade = 0.62 + 0.42 * hill - 0.9 * light * slope_x + 0.5 * slope_y
    return np.clip(shade, 0.45, 1.3)[2:-2, 2:-2]

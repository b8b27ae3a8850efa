# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Things of other classes that stand where objects stand: signs, bins, posts."""

import cv2
import numpy as np

# Kind, width and height in metres.
FURNITURE = (
    ('lamp post', 0.5, 6.0),
    ('round sign', 0.75, 2.7),
    ('triangle sign', 0.9, 2.6),
    ('board', 1.1, 2.3),
    ('bin', 0.75, 1.15),
    ('container', 1.4, 1.3),
    ('bollard', 0.3, 0.95),
    ('traffic light', 0.6, 3.4),
    ('advert pillar', 1.2, 2.7),
    ('bench', 1.7, 0.95),
    ('cabinet', 1.0, 1.25),
)


def draw_furniture(rng: np.random.Generator, kind: str) -> np.ndarray:
    """Draw one piece.

    Args:
        rng (np.random.Generator): Source of all choices.
        kind (str): A kind of :data:`FURNITURE`.

    Returns:
        ndarray: (192, w, 4) float32: BGR in 0..255 and coverage in 0..1, not
        multiplied.
    """
    width_m, height_m = next(size for name, *size in FURNITURE if name == kind)
    height, factor = 192, 2
    width = max(16, round(height * width_m / height_m))
    image = np.zeros((height * factor, width * factor, 4), np.float32)

    def points(*xy):
        scale = np.array([width, height]) * factor
        return (np.array(xy) * scale).astype(np.int32)

    def box(x0, y0, x1, y1, colour):
        (a, b), (c, d) = points((x0, y0), (x1, y1))
        cv2.rectangle(image, (int(a), int(b)), (int(c), int(d)), (*colour, 1.0), -1)

    def dull():
        return (rng.uniform(35, 150) + rng.uniform(-25, 25, 3)).tolist()

    def bright():
        hue = rng.choice(
            [[30, 30, 190], [180, 80, 20], [235, 235, 235], [40, 200, 230]]
        )
        return (hue * rng.uniform(0.7, 1.0)).tolist()

    pole = [rng.uniform(60, 150)] * 3
    centre = (width * factor // 2, int(height * factor * 0.15))
    if kind == 'lamp post':
        box(0.4, 0.02, 0.6, 1, pole)
        box(0.0, 0.0, 0.6, 0.03, dull())
    elif kind == 'round sign':
        box(0.44, 0.2, 0.56, 1, pole)
        radius = int(width * factor * 0.48)
        cv2.circle(image, centre, radius, (*bright(), 1.0), -1)
        inner = [235.0] * 3 if rng.random() < 0.6 else bright()
        cv2.circle(image, centre, int(radius * 0.68), (*inner, 1.0), -1)
        box(0.32, 0.13, 0.68, 0.17, dull())
    elif kind == 'triangle sign':
        box(0.45, 0.2, 0.55, 1, pole)
        cv2.fillPoly(image, [points((0, 0.3), (1, 0.3), (0.5, 0))], (*bright(), 1.0))
        inner = points((0.2, 0.265), (0.8, 0.265), (0.5, 0.09))
        cv2.fillPoly(image, [inner], (225.0, 235.0, 240.0, 1.0))
    elif kind == 'board':
        box(0.08, 0.4, 0.14, 1, pole)
        box(0.86, 0.4, 0.92, 1, pole)
        box(0, 0, 1, 0.5, bright())
        for row in np.arange(0.08, 0.45, 0.1):
            box(0.1, row, rng.uniform(0.4, 0.9), row + 0.04, dull())
    elif kind in ('bin', 'container', 'cabinet'):
        body = (np.array(dull()) * [1, rng.uniform(1, 1.4), 1]).clip(0, 230)
        box(0.06, 0.12, 0.94, 0.92, body.tolist())
        box(0.0, 0.0, 1.0, 0.14, (body * 0.75).tolist())
        box(0.12, 0.9, 0.26, 1.0, [25.0] * 3)
        box(0.74, 0.9, 0.88, 1.0, [25.0] * 3)
        box(0.2, 0.3, 0.8, 0.34, (body * 1.25).clip(0, 255).tolist())
        box(0.49, 0.14, 0.51, 0.9, (body * 0.7).tolist())
    elif kind == 'bollard':
        box(0.2, 0.05, 0.8, 1, dull())
        box(0.2, 0.15, 0.8, 0.3, bright())
    elif kind == 'traffic light':
        box(0.44, 0.25, 0.56, 1, pole)
        box(0.2, 0.0, 0.8, 0.3, [28.0] * 3)
        for row, colour in zip(
            (0.06, 0.15, 0.24), ([30, 30, 200], [30, 130, 170], [60, 170, 40])
        ):
            spot = (centre[0], int(row * height * factor))
            cv2.circle(
                image, spot, int(width * factor * 0.16), (*map(float, colour), 1.0), -1
            )
    elif kind == 'advert pillar':
        box(0.1, 0.06, 0.9, 1, dull())
        box(0, 0, 1, 0.08, dull())
        box(0.15, 0.2, 0.85, 0.8, bright())
        box(0.25, 0.35, 0.75, 0.5, dull())
    else:  # bench
        wood = (np.array([60, 95, 130]) * rng.uniform(0.6, 1.2)).tolist()
        box(0, 0.1, 1, 0.22, wood)
        box(0, 0.3, 1, 0.4, wood)
        box(0, 0.55, 1, 0.65, wood)
        box(0.08, 0.1, 0.13, 1, [40.0] * 3)
        box(0.87, 0.1, 0.92, 1, [40.0] * 3)
    shade = np.linspace(1.1, 0.72, width * factor)[None, :, None]
    grain = rng.normal(1, 0.06, (height * factor, width * factor, 1))
    image[..., :3] = np.clip(image[..., :3] * shade * grain, 0, 255)
    image[..., :3] *= image[..., 3:]
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    image[..., :3] /= np.maximum(image[..., 3:], 1e-3)
    return image

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Paint, lamps, plates, doors and wheels: what makes a shell a car."""

import numpy as np

from .car_shape import BODIES, MAX_VERTICES, Body, CarMesh, MeshBuilder, add_shell
from .materials import LAMP, PAINT, PLASTIC, PLATE, RUBBER

PAINTS = np.array(
    [
        [228, 228, 228], [215, 218, 220], [18, 18, 20], [30, 29, 28], [60, 58, 56],
        [92, 90, 88], [125, 123, 120], [165, 164, 162], [190, 190, 188], [95, 50, 25],
        [70, 35, 22], [120, 75, 40], [35, 32, 140], [28, 25, 95], [40, 70, 45],
        [95, 120, 140], [60, 110, 165], [150, 165, 170],
    ]
)  # fmt: skip


def build_car(rng: np.random.Generator) -> CarMesh:
    """Draw a car's body, size, paint and parts.

    Args:
        rng (np.random.Generator): Generator of the identity.

    Returns:
        CarMesh: About 350 polygons.
    """
    kind = str(rng.choice(list(BODIES), p=[0.22, 0.3, 0.16, 0.14, 0.12, 0.06]))
    (length, width, height), marks, heights = BODIES[kind]
    length, width, height = np.array([length, width, height]) * rng.uniform(
        0.95, 1.06, 3
    )
    marks = np.array(marks) + rng.uniform(-0.012, 0.012, 4)
    marks = np.clip(marks, 0.0, 0.95)
    marks[1] = max(marks[1], marks[0] + 0.03)
    paint = PAINTS[int(rng.integers(len(PAINTS)))] * rng.uniform(0.85, 1.12)
    paint = np.clip(paint + rng.uniform(-8, 8, 3), 10, 235)
    builder = MeshBuilder()
    body = Body(rng, kind, length, width, height, marks, heights)
    add_shell(builder, body, paint, rng)
    _add_rear(builder, body, paint, rng)
    _add_front(builder, body, paint, rng)
    _add_sides(builder, body, paint, rng)
    _add_wheels(builder, body, rng)
    return builder.mesh((float(length), float(width), float(height)))


def _add_rear(builder, body, paint, rng) -> None:
    z = body.z(0) - 0.01
    half = body.half_width(0)
    deck, sill = body.top(0), body.sill + 0.07
    normal = (0, 0.05, -1)

    def quad(x0, x1, y0, y1, colour, material, bias=0.12):
        points = [[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]
        builder.add(points, colour, material, normal, bias)

    red = np.array([30, 28, rng.uniform(120, 190)])
    y0, y1 = deck - rng.uniform(0.34, 0.5), deck - rng.uniform(0.06, 0.16)
    inner = rng.uniform(0.5, 0.74)
    for side in (-1, 1):
        quad(side * half * inner, side * half * 0.97, y0, y1, red, LAMP)
        quad(side * half * (inner + 0.05), side * half * 0.8, y0 + 0.03,
             y0 + 0.4 * (y1 - y0), (90, 120, 235), LAMP, 0.16)  # fmt: skip
    low = sill + 0.42 * (deck - sill)
    plate = low - 0.16 if rng.random() < 0.4 else (y0 + y1) / 2 - 0.08
    quad(-0.27, 0.27, plate, plate + 0.12, (205, 210, 212), PLATE, 0.18)
    quad(-half * 0.96, half * 0.96, low, low + 0.025, paint * 0.45, PLASTIC)
    bumper = (30, 30, 31) if rng.random() < 0.6 else paint * 0.6
    quad(-half * 0.92, half * 0.92, sill, sill + 0.14, bumper, PLASTIC, 0.14)
    builder.add(
        [[-half * 0.8, 0.2, z + 0.15], [half * 0.8, 0.2, z + 0.15],
         [half * 0.85, sill + 0.02, z + 0.1], [-half * 0.85, sill + 0.02, z + 0.1]],
        (18, 18, 18), PLASTIC, normal, -0.3,
    )  # fmt: skip


def _add_front(builder, body, paint, rng) -> None:
    z = body.z(1) + 0.01
    half = body.half_width(1)
    nose, sill = body.top(1), body.sill + 0.07
    normal = (0, 0.1, 1)

    def quad(x0, x1, y0, y1, colour, material, bias=0.12):
        points = [[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]
        builder.add(points, colour, material, normal, bias)

    span = nose - sill
    y0, y1 = sill + rng.uniform(0.52, 0.6) * span, sill + rng.uniform(0.82, 0.93) * span
    inner = rng.uniform(0.5, 0.66)
    lamp = rng.uniform(150, 225) * np.array([1.0, 0.99, 0.95])
    for side in (-1, 1):
        quad(side * half * inner, side * half * 0.97, y0, y1, lamp, LAMP)
        quad(side * half * (inner + 0.1), side * half * 0.82, y0 + 0.02, y1 - 0.02,
             lamp + 50, LAMP, 0.16)  # fmt: skip
        quad(side * half * 0.6, side * half * 0.8, sill + 0.06, sill + 0.14,
             (60, 62, 65), LAMP, 0.16)  # fmt: skip
    dark = np.array([28, 28, 28]) + rng.uniform(0, 20)
    quad(-half * (inner - 0.06), half * (inner - 0.06), y0, y1, dark, PLASTIC)
    quad(-0.06, 0.06, (y0 + y1) / 2, (y0 + y1) / 2 + 0.09, (190,) * 3, LAMP, 0.16)
    quad(-half * 0.7, half * 0.7, sill + 0.02, sill + 0.3 * span, dark, PLASTIC)
    plate = sill + 0.32 * span
    quad(-0.27, 0.27, plate, plate + 0.11, (205, 210, 212), PLATE, 0.18)
    builder.add(
        [[-half * 0.8, 0.2, z - 0.15], [half * 0.8, 0.2, z - 0.15],
         [half * 0.85, sill + 0.02, z - 0.1], [-half * 0.85, sill + 0.02, z - 0.1]],
        (18, 18, 18), PLASTIC, normal, -0.3,
    )  # fmt: skip


def _add_sides(builder, body, paint, rng) -> None:
    trim = rng.random() < 0.35
    doors = [*body.pillars, body.screen - 0.02, 0.5 * (body.pillars[0] + body.screen)]
    for side in (-1, 1):
        normal = (side, 0, 0)
        x = side * (body.width / 2 + 0.008)

        def quad(s0, s1, y0, y1, colour, material, bias=0.12, x=x, normal=normal):
            z0, z1 = body.z(s0), body.z(s1)
            points = [[x, y0, z0], [x, y0, z1], [x, y1, z1], [x, y1, z0]]
            builder.add(points, colour, material, normal, bias)

        for s in doors[:-1]:
            quad(s, s + 0.006, body.sill + 0.06, body.belt, paint * 0.4, PLASTIC)
        for s in (doors[0] + 0.02, doors[-1] - 0.12):
            y = body.belt - 0.12
            quad(s, s + 0.045, y, y + 0.03, paint * 0.55, PLASTIC)
        if trim:
            y = body.sill + 0.45 * (body.belt - body.sill)
            quad(0.12, 0.9, y, y + 0.05, (35, 35, 36), PLASTIC)
        lower = body.sill
        quad(0.2, 0.8, lower, lower + 0.07, paint * 0.35, PLASTIC)
        for s0, s1, colour in ((0.0, 0.035, (28, 26, 150)), (0.945, 0.995, (200,) * 3)):
            x_end = side * (body.half_width((s0 + s1) / 2) + 0.004)
            y1 = min(body.top((s0 + s1) / 2) - 0.12, body.belt - 0.03)
            quad(s0, s1, y1 - 0.16, y1, colour, LAMP, 0.12, x_end)
        # Mirror: a small block at the foot of the windscreen.
        z, y = body.z(body.screen - 0.06), body.belt + 0.05
        x0, x1 = side * body.width / 2 * 0.94, side * (body.width / 2 + 0.12)
        face = [[x0, y, z], [x1, y, z], [x1, y + 0.13, z], [x0, y + 0.13, z]]
        for direction in (-1, 1):
            builder.add(face, paint * 0.8, PAINT, (0, 0, direction), 0.2)
        edge = [[x1, y, z - 0.06], [x1, y, z + 0.06], [x1, y + 0.13, z + 0.06],
                [x1, y + 0.13, z - 0.06]]  # fmt: skip
        builder.add(edge, paint * 0.85, PAINT, normal, 0.2)


def _add_wheels(builder, body, rng) -> None:
    radius = body.wheel_radius
    rim = rng.uniform(95, 190)
    angles = np.linspace(0, 2 * np.pi, MAX_VERTICES, endpoint=False)
    circle = np.stack([np.zeros_like(angles), np.sin(angles), np.cos(angles)], -1)
    arch_angles = np.linspace(-0.25, np.pi + 0.25, MAX_VERTICES)
    arch = np.stack(
        [np.zeros_like(angles), np.sin(arch_angles), np.cos(arch_angles)], -1
    )
    spokes = int(rng.integers(4, 8))
    for side in (-1, 1):
        outer = side * (body.width / 2 - 0.005)
        for s in (0.185, 0.815):
            centre = np.array([outer, radius, body.z(s)])
            normal = (side, 0, 0)
            builder.add(
                centre + arch * (radius * 1.17), (20,) * 3, PLASTIC, normal, 0.14
            )
            builder.add(centre + circle * radius, (27,) * 3, RUBBER, normal, 0.2)
            builder.add(centre + circle * radius * 0.68, (rim,) * 3, LAMP, normal, 0.24)
            builder.add(centre + circle * radius * 0.58, (rim * 0.45,) * 3, LAMP,
                        normal, 0.26)  # fmt: skip
            for angle in np.arange(spokes) * 2 * np.pi / spokes:
                a = np.array([0, np.sin(angle), np.cos(angle)]) * radius * 0.62
                b = np.array([0, np.cos(angle), -np.sin(angle)]) * radius * 0.09
                blade = [centre + b, centre + a + b, centre + a - b, centre - b]
                builder.add(blade, (rim,) * 3, LAMP, normal, 0.28)
            inner = centre - [side * 0.21, 0, 0]
            for k in range(0, MAX_VERTICES, 2):  # tread
                p, q = circle[k] * radius, circle[(k + 2) % MAX_VERTICES] * radius
                tread = [centre + p, centre + q, inner + q, inner + p]
                builder.add(tread, (22,) * 3, RUBBER, (p + q) / (2 * radius), -0.05)

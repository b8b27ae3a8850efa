# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Meshes of passenger cars, lofted from a side profile and cross sections."""

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import PchipInterpolator

from .materials import GLASS, LAMP, PAINT, PLASTIC, PLATE, RUBBER

# Side profiles: length, width, height in metres; then where, from rear (0) to front
# (1), the rear window starts, the roof starts and ends, the windscreen ends; then
# heights of rear deck, bonnet and nose as shares of the height.
BODIES = {
    'sedan': ((4.6, 1.80, 1.45), (0.14, 0.31, 0.56, 0.73), (0.70, 0.66, 0.52)),
    'hatchback': ((3.95, 1.72, 1.49), (0.03, 0.15, 0.56, 0.75), (0.66, 0.66, 0.53)),
    'estate': ((4.65, 1.80, 1.50), (0.02, 0.11, 0.58, 0.74), (0.66, 0.65, 0.52)),
    'people carrier': ((4.3, 1.80, 1.68), (0.01, 0.07, 0.62, 0.83), (0.60, 0.62, 0.50)),
    'off-roader': ((4.5, 1.86, 1.72), (0.01, 0.08, 0.57, 0.72), (0.62, 0.64, 0.55)),
    'small van': ((4.4, 1.82, 1.84), (0.0, 0.03, 0.62, 0.82), (0.58, 0.60, 0.48)),
}
PAINTS = np.array(
    [
        [228, 228, 228], [215, 218, 220], [18, 18, 20], [30, 29, 28], [60, 58, 56],
        [92, 90, 88], [125, 123, 120], [165, 164, 162], [190, 190, 188], [95, 50, 25],
        [70, 35, 22], [120, 75, 40], [35, 32, 140], [28, 25, 95], [40, 70, 45],
        [95, 120, 140], [60, 110, 165], [150, 165, 170],
    ]
)  # fmt: skip
MAX_VERTICES = 14


@dataclass
class CarMesh:
    """Convex polygons in car axes: x right, y up, z forward, metres.

    Attributes:
        vertices (ndarray): (n, 14, 3) float, last vertex repeated as padding.
        normals (ndarray): (n, 3) unit normals, outwards.
        colours (ndarray): (n, 3) BGR.
        materials (ndarray): (n,) material numbers.
        bias (ndarray): (n,) metres that a polygon is drawn before (in front of) its
            surface.
        size (tuple[float]): length, width, height.
    """

    vertices: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    materials: np.ndarray
    bias: np.ndarray
    size: tuple[float, float, float]


@dataclass
class _Builder:
    polygons: list = field(default_factory=list)
    normals: list = field(default_factory=list)
    colours: list = field(default_factory=list)
    materials: list = field(default_factory=list)
    bias: list = field(default_factory=list)

    def add(self, points, colour, material, normal=(0, 0, 0), bias=0.0) -> None:
        """Add a polygon; without ``normal`` it is computed from the vertices."""
        points = list(points)
        self.polygons.append(points + points[-1:] * (MAX_VERTICES - len(points)))
        self.normals.append(normal)
        self.colours.append(colour)
        self.materials.append(material)
        self.bias.append(bias)

    def mesh(self, size) -> CarMesh:
        vertices = np.array(self.polygons, float)
        normals = np.array(self.normals, float)
        # Normals of the quads of the shell: away from the middle of the car.
        missing = ~normals.any(1)
        quads = vertices[missing, :4]
        found = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
        middle = quads.mean(1)
        outwards = middle - [0, 0.7, 0] - middle * [0, 0, 0.8]
        found *= np.sign((found * outwards).sum(1))[:, None]
        normals[missing] = found
        length = np.linalg.norm(normals, axis=1)
        keep = length > 1e-6
        return CarMesh(
            vertices[keep],
            normals[keep] / length[keep, None],
            np.array(self.colours, float)[keep],
            np.array(self.materials)[keep],
            np.array(self.bias)[keep],
            size,
        )


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
    marks = np.maximum.accumulate(np.clip(marks, 0.0, 0.95) + [0, 0.02, 0, 0])
    paint = PAINTS[int(rng.integers(len(PAINTS)))] * rng.uniform(0.85, 1.12)
    paint = np.clip(paint + rng.uniform(-8, 8, 3), 10, 235)
    builder = _Builder()
    body = _Body(rng, kind, length, width, height, marks, heights)
    _add_shell(builder, body, paint, rng)
    _add_rear(builder, body, paint, rng)
    _add_front(builder, body, paint, rng)
    _add_sides(builder, body, paint, rng)
    _add_wheels(builder, body, rng)
    return builder.mesh((float(length), float(width), float(height)))


class _Body:
    """Cross sections of the shell as functions of s, 0 at the rear, 1 at the front."""

    def __init__(self, rng, kind, length, width, height, marks, heights) -> None:
        self.length, self.width, self.height = length, width, height
        self.marks = marks
        self.rear_glass, self.roof_rear, self.roof_front, self.screen = marks
        deck, bonnet, nose = np.array(heights) * height
        self.deck = deck
        middle = (self.roof_rear + self.roof_front) / 2
        knots = [
            (-0.01, deck * 0.94), (max(self.rear_glass, 0.004), deck),
            (self.roof_rear + 0.004, height * 0.965), (middle + 0.01, height),
            (self.roof_front + 0.012, height * 0.97), (self.screen + 0.02, bonnet),
            (0.955, nose + 0.45 * (bonnet - nose)), (1.01, nose),
        ]  # fmt: skip
        self._top = PchipInterpolator(*np.array(knots).T)
        self.belt = bonnet * rng.uniform(0.93, 0.98)
        self.sill = 0.22 if kind != 'off-roader' else 0.34
        self.wheel_radius = rng.uniform(0.29, 0.33) * (1.1 if self.sill > 0.3 else 1)
        self.tumblehome = rng.uniform(0.70, 0.78)
        stations = np.concatenate([np.linspace(0, 1, 21), marks, marks[2:] - 0.015])
        self.pillars = np.array([0.5 * (self.roof_rear + self.roof_front) + 0.02])
        if kind != 'hatchback' or rng.random() < 0.5:
            self.pillars = np.append(self.pillars, self.roof_rear + 0.02)
        stations = np.concatenate(
            [stations, self.pillars - 0.012, self.pillars + 0.012]
        )
        self.stations = np.unique(np.clip(stations, 0, 1).round(4))

    def half_width(self, s):
        taper = np.maximum(np.abs(2 * s - 1) - 0.7, 0) / 0.3
        return self.width / 2 * (1 - 0.13 * taper**2)

    def top(self, s):
        return self._top(s)

    def z(self, s):
        return (s - 0.5) * self.length

    def rings(self) -> np.ndarray:
        """Right halves of the cross sections, sill to roof centre: (n, 7, 3)."""
        s = self.stations
        half, top, z = self.half_width(s), self.top(s), self.z(s)
        end = np.maximum(np.abs(2 * s - 1) - 0.85, 0) / 0.15
        belt = np.minimum(self.belt, top - 0.05)
        rise = np.clip((top - belt) / (self.height - self.belt), 0, 1)
        roof = 0.94 + (self.tumblehome - 0.94) * rise
        bottom = self.sill + 0.07 * end
        outline = [
            (half * 0.92, bottom),
            (half, bottom + 0.3 * (belt - bottom)),
            (half * 0.995, bottom + 0.72 * (belt - bottom)),
            (half * 0.965, belt),
            (half * (roof + 0.02), belt + (top - belt) * 0.86),
            (half * (roof - 0.1 * rise), top - 0.012),
            (0 * half, top),
        ]
        return np.stack([np.stack([x, y, z], -1) for x, y in outline], 1)


def _add_shell(builder, body, paint, rng) -> None:
    tint = rng.uniform(18, 48) * np.array([1.08, 1.04, 1.0])
    rings = body.rings()
    mirror = np.array([-1, 1, 1])
    middle = (body.stations[1:] + body.stations[:-1]) / 2
    pillar = (np.abs(body.pillars - middle[:, None]) < 0.012).any(1)
    side_glass = (middle > body.rear_glass + 0.035) & (middle < body.screen - 0.03)
    side_glass &= ~pillar
    screen = (middle > body.roof_front) & (middle < body.screen)
    screen |= (middle >= body.rear_glass) & (middle < body.roof_rear)
    for j in range(6):
        glass = {3: side_glass, 5: screen}.get(j, np.zeros_like(pillar))
        quads = np.stack(
            [rings[:-1, j], rings[1:, j], rings[1:, j + 1], rings[:-1, j + 1]], 1
        )
        for quad, is_glass in zip(quads, glass):
            colour = tint if is_glass else paint * (0.8 if j == 0 else 1)
            for points in (quad, quad * mirror):
                builder.add(points, colour, GLASS if is_glass else PAINT)
    for ring, direction in ((rings[0], -1), (rings[-1], 1)):
        outline = np.concatenate([ring[:-1], (ring * mirror)[::-1]])
        builder.add(outline, paint * 0.93, PAINT, (0, 0, direction))


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
        [[-half * 0.85, 0.16, z + 0.15], [half * 0.85, 0.16, z + 0.15],
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
        [[-half * 0.85, 0.16, z - 0.15], [half * 0.85, 0.16, z - 0.15],
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
        x0, x1 = side * body.width / 2 * 0.94, side * (body.width / 2 + 0.14)
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

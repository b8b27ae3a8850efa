# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Meshes of passenger cars, lofted from a side profile and cross sections."""

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import PchipInterpolator

from .materials import GLASS, PAINT

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
class MeshBuilder:
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


class Body:
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
        self.sill = 0.25 if kind != 'off-roader' else 0.36
        self.wheel_radius = rng.uniform(0.29, 0.33) * (1.1 if self.sill > 0.3 else 1)
        self.tumblehome = rng.uniform(0.66, 0.76)
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
        return self.width / 2 * (1 - 0.10 * taper**2)

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
            (half * 0.86, bottom),
            (half, bottom + 0.35 * (belt - bottom)),
            (half * 0.995, bottom + 0.72 * (belt - bottom)),
            (half * 0.965, belt),
            (half * (roof + 0.02), belt + (top - belt) * 0.8),
            (half * (roof - 0.15 * rise), top - 0.035 * rise - 0.008),
            (0 * half, top),
        ]
        return np.stack([np.stack([x, y, z], -1) for x, y in outline], 1)


def add_shell(builder, body, paint, rng) -> None:
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

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Who is on the street and how everybody moves."""

from dataclasses import dataclass

import numpy as np

from .camera import FOCAL_RATIO, Camera
from .ground import RoadLayout

VIEW = 42.0  # metres ahead within which objects are placed


@dataclass
class Actor:
    """A car or pedestrian on a straight path.

    Attributes:
        kind (str): 'car' or 'pedestrian'.
        x (float): Position across the road at frame 0, metres.
        z (float): Position along the road at frame 0, metres.
        vx (float): Metres a frame.
        vz (float): Metres a frame.
        heading (float): 0 along z, pi/2 towards +x, radians.
        surge (float): Amplitude of a slow change of speed, metres.
    """

    kind: str
    x: float
    z: float
    vx: float = 0.0
    vz: float = 0.0
    heading: float = 0.0
    surge: float = 0.0

    @property
    def speed(self) -> float:
        """float: Metres a frame."""
        return float(np.hypot(self.vx, self.vz))

    def position(self, frame):
        """Position (x, z) in metres at a frame, or at an array of frames."""
        wave = self.surge * np.sin(0.12 * frame)
        return self.x + self.vx * frame, self.z + self.vz * frame + wave

    @property
    def extent(self) -> np.ndarray:
        """ndarray: Half size (x, z) of the ground that it takes, metres."""
        if self.kind == 'pedestrian':
            return np.array([0.35, 0.35])
        cos, sin = abs(np.cos(self.heading)), abs(np.sin(self.heading))
        return np.array([0.95 * cos + 2.3 * sin, 2.3 * cos + 0.95 * sin])


@dataclass
class Drive:
    """Path of the camera: one entry per frame.

    Attributes:
        x (ndarray): Position across the road, metres.
        z (ndarray): Position along the road, metres.
        yaw (ndarray): Radians.
        pitch (ndarray): Shift of the horizon in image heights.
    """

    x: np.ndarray
    z: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, frames: int, speed: float) -> 'Drive':
        """Smooth drive at about ``speed`` metres a frame with sway and pitch."""
        t = np.arange(frames)
        wave = 1 + 0.35 * np.sin(2 * np.pi * (t / rng.uniform(40, 120) + rng.random()))
        z = np.concatenate([[0.0], np.cumsum(speed * wave)[:-1]])
        sway = 0.25 * np.sin(t / rng.uniform(15, 40) + rng.uniform(0, 6))
        yaw = rng.uniform(0.005, 0.04) * np.sin(
            t / rng.uniform(12, 40) + rng.uniform(0, 6)
        )
        pitch = rng.uniform(0.001, 0.004) * np.sin(t / rng.uniform(2, 6))
        pitch = pitch + rng.uniform(-0.02, 0.02)
        moving = min(speed / 0.3, 1.0)
        return cls(sway * moving, z, yaw * (0.3 + moving), pitch)

    def camera(
        self, frame: int, size: tuple[int, int], focal_ratio: float = FOCAL_RATIO
    ) -> Camera:
        """Camera of a frame of ``size``: width and height in pixels."""
        pose = self.x[frame], self.z[frame], self.yaw[frame], self.pitch[frame]
        return Camera.kitti(*size, *map(float, pose), focal_ratio)


class Traffic:
    """Random actors around a drive, without collisions.

    Args:
        rng (np.random.Generator): Source of all choices.
        frames (int): Length in frames.
    """

    def __init__(self, rng: np.random.Generator, frames: int) -> None:
        self._rng, self._frames = rng, frames
        self.stop_and_go = bool(rng.random() < 0.5)
        speed = rng.uniform(0.0, 0.15) if self.stop_and_go else rng.uniform(0.25, 0.8)
        self.drive = Drive.random(rng, frames, speed)
        self.junctions: tuple[float, ...] = ()
        if self.stop_and_go:
            self.junctions = (float(self.drive.z[-1] + rng.uniform(11, 22)),)
        self._speed = speed
        self.actors: list[Actor] = []
        self._paths, self._extents = [], []  # of the actors, to keep them apart

    def populate(self, layout: RoadLayout) -> None:
        """Place everybody on a road."""
        rng = self._rng
        for _ in range(int(rng.integers(1, 4))):
            self._add_leading_car(layout)
        for _ in range(2 + self._frames // 25):
            self._add_oncoming_car(layout)
        if self.stop_and_go:
            for _ in range(2 + self._frames // 20):
                self._add_crossing_car()
            for _ in range(int(rng.integers(2, 6))):
                self._add_crossing_pedestrian(layout)
        for side in (-1, 1):
            self._add_parked_cars(layout, side)
            self._add_walkers(layout, side)

    def _add(self, actor: Actor) -> None:
        """Keep the actor unless it would touch another or the camera's car."""
        frames = np.arange(0, self._frames, max(1, self._frames // 12))
        path = np.stack(actor.position(frames), -1)
        ego = np.stack([self.drive.x[frames], self.drive.z[frames]], -1)
        if (np.abs(path - ego) < np.add(actor.extent, [1.2, 3.2])).all(-1).any():
            return
        if self.actors:
            gaps = np.abs(path - np.array(self._paths))
            reach = actor.extent + 0.1 + np.array(self._extents)
            if (gaps < reach[:, None]).all(-1).any():
                return
        self._paths.append(path)
        self._extents.append(actor.extent)
        self.actors.append(actor)

    def _add_leading_car(self, layout: RoadLayout) -> None:
        rng = self._rng
        speed = self._speed * rng.uniform(0.85, 1.25)
        x = rng.normal(0, 0.25)
        heading = rng.normal(0, 0.04)
        surge = rng.uniform(0, 1.2)
        self._add(Actor('car', x, rng.uniform(7, 35), 0, speed, heading, surge))

    def _add_oncoming_car(self, layout: RoadLayout) -> None:
        rng = self._rng
        speed = rng.choice([0.0, rng.uniform(0.3, 1.0)])
        reach = self.drive.z[-1] + VIEW + speed * self._frames
        x = -layout.lane_width + rng.normal(0, 0.2)
        heading = np.pi + rng.normal(0, 0.05)
        self._add(Actor('car', x, rng.uniform(6, reach), 0, -speed, heading))

    def _add_crossing_car(self) -> None:
        rng = self._rng
        z = self.junctions[0] + rng.choice([-1.8, 1.8]) + rng.normal(0, 0.2)
        side = 1 if z > self.junctions[0] else -1
        speed = rng.uniform(0.35, 0.9)
        passes = rng.uniform(-0.1, 1.0) * self._frames  # frame at which x is 0
        x = -side * speed * passes
        self._add(Actor('car', x, z, side * speed, 0, side * np.pi / 2))

    def _add_parked_cars(self, layout: RoadLayout, side: int) -> None:
        rng = self._rng
        if rng.random() < 0.15:
            return
        angle = 0.0 if rng.random() < 0.65 else rng.uniform(0.5, 1.35)
        spacing = 5.0 if angle == 0 else 3.6
        x = layout.curb(side) - side * (1.05 if angle == 0 else -0.4)
        density = rng.uniform(0.15, 0.6)
        z = -4.0
        while z < self.drive.z[-1] + VIEW:
            z += spacing * rng.uniform(1.0, 1.25)
            if any(abs(z - junction) < 7 for junction in self.junctions):
                continue
            if rng.random() < density:
                turned = np.pi if rng.random() < (0.8 if side < 0 else 0.12) else 0.0
                heading = side * angle + turned + rng.normal(0, 0.03)
                self._add(Actor('car', x + rng.normal(0, 0.15), z, heading=heading))

    def _add_walkers(self, layout: RoadLayout, side: int) -> None:
        rng = self._rng
        z = float(rng.uniform(2, 8))
        spacing = rng.uniform(3.5, 12)
        while z < self.drive.z[-1] + VIEW * 0.7:
            group = int(rng.choice([1, 1, 1, 2, 3]))
            direction = float(rng.choice([-1, 1]))
            speed = rng.uniform(0.09, 0.16) if rng.random() < 0.85 else 0.0
            x = layout.curb(side) + side * rng.uniform(0.5, layout.sidewalk_width - 0.3)
            heading = 0.0 if direction > 0 else np.pi
            if speed == 0:
                heading = rng.uniform(0, 2 * np.pi)
            for member in range(group):
                self._add(
                    Actor(
                        'pedestrian',
                        x + side * 0.75 * member,
                        z + rng.uniform(-0.4, 0.4),
                        0,
                        direction * speed,
                        heading + rng.normal(0, 0.2),
                    )
                )
            z += spacing * rng.uniform(0.4, 1.8)

    def _add_crossing_pedestrian(self, layout: RoadLayout) -> None:
        rng = self._rng
        side = int(rng.choice([-1, 1]))
        speed = rng.uniform(0.09, 0.17)
        passes = rng.uniform(-0.3, 1.2) * self._frames
        x = -side * speed * passes + rng.normal(0, 1.5)
        z = self.drive.z[-1] + rng.uniform(4.5, 10)
        heading = side * np.pi / 2 + rng.normal(0, 0.15)
        self._add(Actor('pedestrian', x, z, side * speed, 0, heading))

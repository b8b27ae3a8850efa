# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np

from .camera import CAMERA_HEIGHT, NEAR, Camera
from .car_parts import build_car
from .materials import GLASS, LAMP, PAINT, MaterialLook
from .rng import generator
from .sprite import Canvas, Sprite, frame_window


class CarPainter:
    """Draws one identity of class car from any side.

    Args:
        seed (int): Seed of the data set.
        sequence (str): Name of the sequence.
        track_id (int): Identity.
    """

    def __init__(self, seed: int, sequence: str, track_id: int) -> None:
        rng = generator(seed, 'car', sequence, track_id)
        self.mesh = build_car(rng)
        self.look = MaterialLook(rng, 'car')
        self.gloss = rng.uniform(0.25, 0.9)

    def place(self, x: float, z: float, heading: float) -> tuple[np.ndarray, ...]:
        """World vertices (n, 14, 3) and normals (n, 3); heading 0 drives along z."""
        cos, sin = np.cos(heading), np.sin(heading)
        rotation = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
        vertices = self.mesh.vertices @ rotation + [x, 0, z]
        return vertices, self.mesh.normals @ rotation

    def _shade(self, normals: np.ndarray, sun: np.ndarray) -> np.ndarray:
        """Lit colours (n, 3): ambient, sun, and the sky mirrored by lacquer."""
        mesh = self.mesh
        lit = np.maximum(normals @ (sun / np.linalg.norm(sun)), 0)
        upward = normals[:, 1]
        light = 0.55 + 0.22 * upward + 0.42 * lit
        sky = np.maximum(upward, 0) ** 2 * self.gloss
        amount = np.where(mesh.materials == PAINT, 55, 0)
        amount = np.where(mesh.materials == GLASS, 95, amount)
        light = np.where(mesh.materials == LAMP, 0.75 + 0.25 * light, light)
        return mesh.colours * light[:, None] + (amount * sky)[:, None]

    def paint(
        self,
        vertices: np.ndarray,
        normals: np.ndarray,
        camera_points: np.ndarray,
        uv: np.ndarray,
        window: tuple[int, int, int, int],
        factor: int,
        sun: np.ndarray,
    ) -> Canvas:
        """Paint the faces that look at the camera from far to near.

        Args:
            vertices (ndarray): World axes with the camera at x = z = 0, (n, 14, 3).
            normals (ndarray): World axes, (n, 3).
            camera_points (ndarray): The vertices in camera axes, (n, 14, 3).
            uv (ndarray): The vertices in pixels, (n, 14, 2).
            window (tuple[int]): Part of the frame to paint.
            factor (int): Supersampling factor.
            sun (ndarray): Direction to the sun, world axes (3,).

        Returns:
            Canvas: What was painted.
        """
        centre = camera_points.mean(1)
        eye = np.array([0, CAMERA_HEIGHT, 0])
        direction = vertices.mean(1) - eye
        facing = (normals * direction).sum(-1) < 0
        # Parts smaller than a fraction of a pixel only cost time.
        facing &= np.ptp(uv, axis=1).prod(-1) > 0.1
        distance = np.linalg.norm(centre - eye, axis=-1) - self.mesh.bias
        order = np.flatnonzero(facing)
        order = order[np.argsort(-distance[order])]
        canvas = Canvas(window, factor)
        colours = self._shade(normals, sun)
        canvas.paint(uv[order], colours[order], self.mesh.materials[order])
        return canvas

    def sprite(
        self, camera: Camera, x: float, z: float, heading: float, sun: np.ndarray
    ) -> Sprite | None:
        """Draw the car where it stands.

        Args:
            camera (Camera): The camera.
            x (float): Position across the road, metres.
            z (float): Position along the road, metres.
            heading (float): 0 drives along z, pi/2 towards +x, radians.
            sun (ndarray): Direction to the sun, world axes (3,).

        Returns:
            Sprite | None: The layer, or None out of view.
        """
        vertices, normals = self.place(x, z, heading)
        points = camera.to_camera(vertices)
        origin = np.array([camera.x, 0, camera.z])
        if points[..., 2].mean() < 1.5 or points[..., 2].max() < NEAR:
            return None
        uv = camera.project(points)
        window = frame_window(uv, camera.width, camera.height)
        if window is None:
            return None
        factor = 3 if window[3] - window[1] < 40 else 2
        canvas = self.paint(vertices - origin, normals, points, uv, window, factor, sun)
        u, v = uv[..., 0], uv[..., 1]
        box = np.array([u.min(), v.min(), u.max(), v.max()])
        colour = self.look.apply(canvas, box)
        return canvas.sprite(colour, float(points[..., 2].mean()))

    def shadow(self, camera: Camera, x: float, z: float, heading: float, sun) -> list:
        """Outline on the road of the cast shadow and of the dark underneath.

        Returns:
            list[ndarray]: Two convex polygons in frame pixels, (k, 2) float32 each;
            empty when the car is too near.
        """
        vertices, _ = self.place(x, z, heading)
        points = vertices.reshape(-1, 3)[::3]
        thrown = points - points[:, 1:2] * (sun / sun[1])
        under = points * [1, 0, 1]
        outlines = []
        for ground in (thrown, under):
            in_camera = camera.to_camera(ground)
            if in_camera[:, 2].min() < 0.8:
                return []
            hull = cv2.convexHull(camera.project(in_camera).astype(np.float32))
            outlines.append(hull[:, 0])
        return outlines

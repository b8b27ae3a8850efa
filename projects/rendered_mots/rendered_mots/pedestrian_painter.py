# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np

from .camera import Camera
from .materials import BAG, BOTTOM, HAIR, SHOE, SKIN, TOP, MaterialLook
from .rng import generator
from .sprite import Canvas, Sprite, frame_window

SKINS = np.array([[150, 175, 215], [125, 155, 200], [80, 110, 160], [45, 62, 95]])
HAIRS = np.array([[25, 27, 32], [30, 42, 62], [55, 80, 115], [90, 130, 165], [140] * 3])
HALF_TURN = np.linspace(0, np.pi, 7)


class PedestrianPainter:
    """Draws one identity of class pedestrian: an articulated body of capsules.

    Args:
        seed (int): Seed of the data set.
        sequence (str): Name of the sequence.
        track_id (int): Identity.
    """

    def __init__(self, seed: int, sequence: str, track_id: int) -> None:
        rng = generator(seed, 'pedestrian', sequence, track_id)
        child = rng.random() < 0.12
        self.height = rng.uniform(1.1, 1.4) if child else rng.normal(1.72, 0.09)
        self.build = rng.uniform(0.85, 1.25)  # girth
        self.stride = rng.uniform(0.3, 0.48)  # swing of the thighs, radians
        self.swing = rng.uniform(0.2, 0.6)  # swing of the arms, radians
        self.phase = rng.uniform(0, 2 * np.pi)
        self.cadence = rng.uniform(0.5, 0.68)  # radians a frame at 10 Hz and 1.3 m/s
        self.colours = _clothes(rng)
        self.long_hair = rng.random() < 0.35
        self.hat = rng.random() < 0.12
        self.sleeves = rng.random() < 0.7
        self.bag = str(rng.choice(['none', 'none', 'back', 'hand', 'shoulder']))
        self.garment = str(rng.choice(['trousers', 'trousers', 'coat', 'skirt']))
        self.look = MaterialLook(rng, 'pedestrian')

    def capsules(self, frame: int, speed: float) -> list[tuple]:
        """Body parts in body axes (x right, y up, z forward), metres.

        Args:
            frame (int): Time in frames; sets the phase of the gait.
            speed (float): Metres a frame; 0 stands still.

        Returns:
            list[tuple]: (from (3,), to (3,), radius at from, radius at to, material).
        """
        scale, girth = self.height / 1.75, self.build
        pace = np.clip(speed / 0.13, 0, 1.2)
        phase = self.phase + self.cadence * frame * max(pace, 0.02)
        bob = 0.02 * abs(np.cos(phase)) * pace
        hip_y, shoulder_y = 0.90 + bob, 1.42 + bob
        parts = []

        def add(a, b, ra, rb, material):
            a, b = np.array(a) * scale, np.array(b) * scale
            parts.append((a, b, ra * scale, rb * scale, material))

        trousers = SKIN if self.garment == 'skirt' else BOTTOM
        for side in (-1, 1):
            swing = side * np.sin(phase)
            thigh = self.stride * pace * swing
            bend = (0.15 + 0.75 * max(0.0, side * np.cos(phase))) * pace
            hip = np.array([side * 0.09, hip_y, 0])
            knee = hip + 0.43 * np.array([0, -np.cos(thigh), np.sin(thigh)])
            shin = thigh - bend
            ankle = knee + 0.41 * np.array([0, -np.cos(shin), np.sin(shin)])
            ankle[1] = max(ankle[1], 0.06)
            add(hip, knee, 0.088 * girth, 0.062 * girth, BOTTOM)
            add(knee, ankle, 0.06 * girth, 0.043, trousers)
            heel = np.subtract(ankle, [0, 0.02, 0.03])
            toes = np.add(ankle, [side * 0.02, -0.03, 0.17])
            add(heel, toes, 0.045, 0.035, SHOE)
            arm = -self.swing * pace * swing
            shoulder = np.array([side * (0.17 + 0.025 * girth), shoulder_y - 0.04, 0])
            elbow = shoulder + 0.29 * np.array([side * 0.16, -np.cos(arm), np.sin(arm)])
            fore = arm + 0.35
            wrist = elbow + 0.25 * np.array([side * 0.03, -np.cos(fore), np.sin(fore)])
            add(shoulder, elbow, 0.06 * girth, 0.046 * girth, TOP)
            add(elbow, wrist, 0.044, 0.034, TOP if self.sleeves else SKIN)
            add(wrist, np.add(wrist, [0, -0.08, 0.02]), 0.036, 0.03, SKIN)
            if self.bag == 'hand' and side > 0:
                add(
                    np.add(wrist, [0, -0.14, 0]),
                    np.add(wrist, [0, -0.32, 0.02]),
                    0.05,
                    0.11,
                    BAG,
                )
        hem = {'coat': 0.52, 'skirt': 0.5}.get(self.garment)
        for side in (-1, 1):
            add([side * 0.10, shoulder_y, 0], [side * 0.075, hip_y, 0],
                0.085 * girth, 0.095 * girth, TOP)  # fmt: skip
            if hem:
                cloth = TOP if self.garment == 'coat' else BOTTOM
                sway = 0.06 * np.sin(phase) * side * pace
                add([side * 0.06, hip_y + 0.05, 0], [side * 0.1, hem, sway],
                    0.1 * girth, 0.09, cloth)  # fmt: skip
        add([0, shoulder_y - 0.1, 0.02], [0, hip_y + 0.04, 0.02],
            0.11 * girth, 0.115 * girth, TOP)  # fmt: skip
        add([0, shoulder_y, 0], [0, 1.53 + bob, 0.01], 0.06, 0.052, SKIN)
        head = np.array([0, 1.635 + bob, 0.025])
        add(
            np.subtract(head, [0, 0.04, 0]),
            np.add(head, [0, 0.02, 0]),
            0.078,
            0.095,
            SKIN,
        )
        add(
            np.add(head, [0, 0.035, -0.03]),
            np.add(head, [0, 0.05, 0.01]),
            0.098,
            0.092,
            HAIR,
        )
        if self.long_hair:
            add(
                np.add(head, [0, 0, -0.05]),
                np.add(head, [0, -0.17, -0.06]),
                0.09,
                0.075,
                HAIR,
            )
        if self.hat:
            add(
                np.add(head, [0, 0.07, -0.02]),
                np.add(head, [0, 0.06, 0.12]),
                0.1,
                0.05,
                BAG,
            )
        if self.bag == 'back':
            add([0, shoulder_y - 0.06, -0.17], [0, hip_y + 0.12, -0.19],
                0.13, 0.15, BAG)  # fmt: skip
        elif self.bag == 'shoulder':
            add([0.2, 1.05, 0.0], [0.2, 0.92, 0.02], 0.1, 0.12, BAG)
        return parts

    def _place(self, parts, x, z, heading) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n, 2, 3) in world axes and radii (n, 2)."""
        cos, sin = np.cos(heading), np.sin(heading)
        rotation = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
        ends = np.array([[a, b] for a, b, *_ in parts]) @ rotation + [x, 0, z]
        return ends, np.array([[ra, rb] for _, _, ra, rb, _ in parts])

    def sprite(
        self,
        camera: Camera,
        x: float,
        z: float,
        heading: float,
        sun: np.ndarray,
        frame: int,
        speed: float,
    ) -> Sprite | None:
        """Draw the pedestrian where it walks.

        Args:
            camera (Camera): The camera.
            x (float): Position across the road, metres.
            z (float): Position along the road, metres.
            heading (float): 0 walks along z, pi/2 towards +x, radians.
            sun (ndarray): Direction to the sun, world axes (3,).
            frame (int): Time in frames.
            speed (float): Metres a frame.

        Returns:
            Sprite | None: The layer, or None out of view.
        """
        parts = self.capsules(frame, speed)
        ends, radii = self._place(parts, x, z, heading)
        points = camera.to_camera(ends)
        if points[..., 2].min() < 1.2:
            return None
        uv = camera.project(points)
        pixels = radii * camera.focal / points[..., 2]
        low, high = (uv - pixels[..., None]), (uv + pixels[..., None])
        box = np.concatenate([low.min((0, 1)), high.max((0, 1))])
        corners = box.reshape(2, 2)
        window = frame_window(corners, camera.width, camera.height)
        if window is None:
            return None
        canvas = Canvas(window, 4 if box[3] - box[1] < 30 else 2)
        to_light = np.array(
            [np.cos(camera.yaw) * sun[0] - np.sin(camera.yaw) * sun[2], -0.7]
        )
        to_light = to_light / np.linalg.norm(to_light)
        # Far parts first; skin of the face lies before the hair it is turned from.
        order = np.argsort(-points[..., 2].mean(1) - radii.max(1) * 0.3)
        materials = np.array([part[4] for part in parts])[order]
        base = np.array([self.colours[material] for material in materials])
        uv, pixels = uv[order], pixels[order]
        # Three nested outlines towards the light make a limb look round.
        polygons, colours = [], []
        for shift, size, light in (
            (0.0, 1.0, 0.72),
            (0.14, 0.8, 0.98),
            (0.26, 0.5, 1.14),
        ):
            centres = uv + to_light * (pixels * shift)[..., None]
            polygons.append(capsule_outlines(centres, pixels * size))
            colours.append(base * light)
        # The three outlines of a part follow each other.
        polygons = np.stack(polygons, 1).reshape(-1, *polygons[0].shape[1:])
        colours = np.stack(colours, 1).reshape(-1, 3)
        canvas.paint(polygons, colours, np.repeat(materials, 3))
        colour = self.look.apply(canvas, box)
        return canvas.sprite(colour, float(points[..., 2].mean()))

    def shadow(self, camera: Camera, x, z, heading, sun, frame, speed) -> list:
        """Outlines on the road of the cast shadow: convex polygons in pixels."""
        ends, radii = self._place(self.capsules(frame, speed), x, z, heading)
        thrown = ends - ends[..., 1:2] * (sun / sun[1])
        points = camera.to_camera(thrown)
        if points[..., 2].min() < 1.0:
            return []
        uv = camera.project(points)
        pixels = radii * camera.focal / points[..., 2]
        return list(capsule_outlines(uv, 0.8 * pixels))


def capsule_outlines(centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Outlines of pairs of circles and all between them.

    Args:
        centres (ndarray): (n, 2, 2) float pixels.
        radii (ndarray): (n, 2) float pixels.

    Returns:
        ndarray: Convex polygons (n, 14, 2): half a circle about each end.
    """
    axis = centres[:, 1] - centres[:, 0]
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    # Seen end on, one circle may swallow the other: let the small one grow.
    radii = np.maximum(radii, radii[:, ::-1] - length)
    angle = np.arctan2(axis[:, 1], axis[:, 0])[:, None]
    ends = []
    for end, start in ((1, -np.pi / 2), (0, np.pi / 2)):
        turn = angle + start + HALF_TURN
        rim = np.stack([np.cos(turn), np.sin(turn)], -1) * radii[:, end, None, None]
        ends.append(centres[:, end, None] + rim)
    return np.concatenate(ends, 1)


def _clothes(rng: np.random.Generator) -> dict[int, np.ndarray]:
    """Base colours by material, BGR."""

    def cloth() -> np.ndarray:
        if rng.random() < 0.55:
            return np.full(3, rng.uniform(22, 215)) + rng.uniform(-14, 14, 3)
        return rng.uniform(25, 200, 3)

    top = cloth()
    jeans = np.array([105, 75, 52]) * rng.uniform(0.5, 1.4)
    bottom = jeans if rng.random() < 0.4 else cloth() * rng.uniform(0.35, 0.9)
    colours = {
        SKIN: SKINS[int(rng.choice(4, p=[0.4, 0.3, 0.18, 0.12]))]
        * rng.uniform(0.9, 1.08),
        HAIR: HAIRS[int(rng.integers(len(HAIRS)))] * rng.uniform(0.8, 1.2),
        TOP: top,
        BOTTOM: bottom,
        SHOE: np.full(3, rng.uniform(18, 90) if rng.random() < 0.75 else 200.0),
        BAG: cloth(),
    }
    return {material: np.clip(c, 12, 225) for material, c in colours.items()}

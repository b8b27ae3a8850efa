# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from dataclasses import dataclass

import cv2
import numpy as np

from .camera import Camera
from .ground import Ground, RoadLayout
from .rng import generator
from .sky import Sky
from .sprite import Sprite, frame_window
from .street_furniture import FURNITURE, draw_furniture
from .textures import PatchSource, facade, plant

VIEW_DISTANCE = 90.0
NEAREST = 1.2  # scenery nearer than this is not drawn, metres


@dataclass
class Wall:
    """Vertical rectangle that stands on a segment of the ground.

    Attributes:
        ends (ndarray): The segment's ends (2, 2): x, z in metres.
        height (float): Metres.
        texture (int): Index of the facade texture.
        tint (float): Brightness factor.
    """

    ends: np.ndarray
    height: float
    texture: int
    tint: float


@dataclass
class Billboard:
    """Flat picture that always faces the camera.

    Attributes:
        x (float): Position across the road, metres.
        z (float): Position along the road, metres.
        width (float): Metres.
        height (float): Metres.
        texture (int): Index of the picture.
        tint (float): Brightness factor.
    """

    x: float
    z: float
    width: float
    height: float
    texture: int
    tint: float


class Street:
    """Everything that is no object: sky, skyline, road, houses, plants, signs.

    Args:
        seed (int): Seed of the data set.
        name (str): Sequence; each has a street of its own.
        length (float): Metres the camera drives.
        source (PatchSource | None): Real frames as textures, or None.
        junctions (Sequence[float]): z of crossing roads, kept free of walls.
        clear (float): Extra metres kept free beside the road (annotated objects
            are drawn over the scenery whatever their depth).
    """

    def __init__(
        self,
        seed: int,
        name: str,
        length: float,
        source: PatchSource | None = None,
        junctions: tuple[float, ...] = (),
        clear: float = 0.0,
    ) -> None:
        rng = generator(seed, 'street', name)
        self.layout = RoadLayout(rng)
        self.junctions = junctions
        self.sun = np.array([rng.uniform(-1.2, 1.2), 1.0, rng.uniform(-0.9, 0.6)])
        self.shadow_strength = float(rng.uniform(0.3, 0.72))
        self.haze = (rng.uniform(150, 225) * np.array([1.06, 1.0, 0.97])).astype('f4')
        self.ground = Ground(rng, self.layout, source)
        self._facades = [facade(rng, source) for _ in range(6)]
        kinds = ['tree'] * 4 + ['bush'] * 2 + ['hedge'] * 2
        self._pictures = [plant(rng, kind, source) for kind in kinds]
        self._furniture_start = len(self._pictures)
        self._pictures += [draw_furniture(rng, kind) for kind, *_ in FURNITURE]
        self._pyramids = {}
        self.sky = Sky(rng, self._facades, self.haze, source)
        self.walls, self.billboards = [], []
        for side in (-1, 1):
            self._place_houses(rng, side, length, clear)
            self._place_billboards(rng, side, length, clear)

    # -- layout -------------------------------------------------------------
    def _near_junction(self, z0: float, z1: float) -> bool:
        return any(z0 - 5 < z < z1 + 5 for z in self.junctions)

    def _place_houses(self, rng, side, length, clear) -> None:
        density = rng.uniform(0.35, 0.95)
        z = -15.0
        while z < length + VIEW_DISTANCE + 20:
            extent = rng.uniform(8, 22)
            x = self.layout.outer(side) + side * (rng.uniform(0.2, 3.5) + clear)
            if rng.random() < density and not self._near_junction(z, z + extent):
                height = rng.uniform(5, 15)
                texture = int(rng.integers(len(self._facades)))
                tint = rng.uniform(0.55, 1.1)
                front = np.array([[x, z], [x, z + extent]])
                flank = np.array([[x, z], [x + side * rng.uniform(7, 12), z]])
                self.walls.append(Wall(front, height, texture, tint))
                other = int(rng.integers(len(self._facades)))
                self.walls.append(Wall(flank, height, other, tint * 0.85))
            z += extent + (0.0 if rng.random() < 0.55 else rng.uniform(2, 14))

    def _place_billboards(self, rng, side, length, clear) -> None:
        outer = self.layout.outer(side) + side * clear
        end = length + VIEW_DISTANCE
        spacing = rng.uniform(4, 14)
        z = -5.0
        while z < end:  # plants behind the sidewalk
            z += rng.uniform(0.4, 1.6) * spacing
            texture = int(rng.integers(self._furniture_start))
            if texture < 4:
                height = rng.uniform(4, 9)
                size = (height * 0.85, height)
            elif texture < 6:
                size = (rng.uniform(1.2, 3), rng.uniform(0.9, 1.9))
            else:
                size = (rng.uniform(3, 7), rng.uniform(0.8, 2.2))
            x = outer + side * (rng.uniform(-0.3, 5) + size[0] / 2 * (texture > 5))
            if not self._near_junction(z, z):
                tint = rng.uniform(0.6, 1.15)
                self.billboards.append(Billboard(x, z, *size, texture, tint))
        spacing = rng.uniform(4, 12)
        z = 0.0
        while z < end:  # street furniture along the kerb
            z += rng.uniform(0.3, 1.7) * spacing
            index = int(rng.integers(len(FURNITURE)))
            _, width, height = FURNITURE[index]
            scale = rng.uniform(0.85, 1.2)
            x = self.layout.curb(side) + side * (rng.uniform(0.35, 0.8) + clear)
            if rng.random() < 0.35:
                x = outer - side * 0.4
            if not self._near_junction(z, z):
                texture = self._furniture_start + index
                self.billboards.append(
                    Billboard(
                        x,
                        z,
                        width * scale,
                        height * scale,
                        texture,
                        rng.uniform(0.7, 1.15),
                    )
                )

    # -- drawing ------------------------------------------------------------
    def render_base(self, camera: Camera) -> np.ndarray:
        """Sky, skyline and road: (height, width, 3) float32 BGR."""
        frame = np.empty((camera.height, camera.width, 3), np.float32)
        top, road = self.ground.render(camera, self.haze)
        frame[top:] = road
        frame[:top] = self.sky.render(camera, top)
        return frame

    def layers(self, camera: Camera) -> list[Sprite]:
        """Houses, plants and furniture in view, in no order."""
        low, high = camera.z - 25, camera.z + VIEW_DISTANCE
        sprites = [
            self._wall_sprite(wall, camera)
            for wall in self.walls
            if low < wall.ends[0, 1] < high
        ]
        sprites += [
            self._billboard_sprite(board, camera)
            for board in self.billboards
            if camera.z < board.z < high
        ]
        return [sprite for sprite in sprites if sprite is not None]

    def _level(self, group: str, index: int, rows: float) -> np.ndarray:
        """Texture averaged down to about the height it is shown at."""
        texture = (self._facades if group == 'wall' else self._pictures)[index]
        step = int(np.clip(np.log2(texture.shape[0] / max(rows, 1)), 0, 4))
        key = (group, index, step)
        if key not in self._pyramids:
            size = (texture.shape[1] >> step, texture.shape[0] >> step)
            if texture.shape[2] == 4:
                texture = np.dstack(
                    [texture[..., :3] * texture[..., 3:], texture[..., 3]]
                )
            self._pyramids[key] = cv2.resize(
                texture, size, interpolation=cv2.INTER_AREA
            ).astype(np.float32)
        return self._pyramids[key]

    def _wall_sprite(self, wall: Wall, camera: Camera) -> Sprite | None:
        ends = np.array([[x, 0, z] for x, z in wall.ends])
        ends = camera.to_camera(ends)
        depth = ends[:, 2]
        if depth.max() < NEAREST or depth.min() > VIEW_DISTANCE:
            return None
        share = np.array([0.0, 1.0])
        if depth.min() < NEAREST:  # cut the part behind the camera off
            near = int(depth[1] < depth[0])
            t = (NEAREST - depth[near]) / (depth[1 - near] - depth[near])
            ends[near] += t * (ends[1 - near] - ends[near])
            share[near] += t * (share[1 - near] - share[near])
        tops = np.add(ends, [0, wall.height, 0])
        corners = camera.project(np.stack([tops[0], tops[1], ends[1], ends[0]]))
        window = frame_window(corners, camera.width, camera.height, 1)
        if window is None:
            return None
        x0, y0, x1, y1 = window
        rows = np.abs(corners[3, 1] - corners[0, 1])
        rows = max(rows, np.abs(corners[2, 1] - corners[1, 1]))
        texture = self._level('wall', wall.texture, rows)
        height, width = texture.shape[:2]
        # Facades repeat every 12 m; the warp takes a run of mirrored copies.
        repeats = max(1, round(float(np.ptp(wall.ends, axis=0).max()) / 12))
        run = np.hstack(
            [texture[:, ::-1] if i % 2 else texture for i in range(repeats)]
        )
        left, right = share * width * repeats
        from_ = np.array([[left, 0], [right, 0], [right, height], [left, height]], 'f4')
        to = (corners - [x0, y0]).astype(np.float32)
        size = (x1 - x0, y1 - y0)
        matrix = cv2.getPerspectiveTransform(from_, to)
        colour = cv2.warpPerspective(run, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        cover = np.zeros(size[::-1], np.uint8)
        vertices = np.clip(to * 16, -3e5, 3e5).astype(np.int32)
        cv2.fillConvexPoly(cover, vertices, 255, cv2.LINE_AA, 4)
        alpha = cover.astype(np.float32) / 255
        colour *= wall.tint * alpha[..., None]
        sprite = Sprite(x0, y0, colour, alpha, float(np.maximum(depth, NEAREST).mean()))
        sprite.add_haze(self.haze, 1 / 160)
        return sprite

    def _billboard_sprite(self, board: Billboard, camera: Camera) -> Sprite | None:
        foot = camera.to_camera(np.array([board.x, 0, board.z]))
        if not NEAREST < foot[2] < VIEW_DISTANCE:
            return None
        half = np.array([board.width / 2, 0, 0])
        low, high = foot - half, foot + half + [0, board.height, 0]
        corners = camera.project(np.stack([low, high]))
        if corners[0, 1] - corners[1, 1] < 2:
            return None
        window = frame_window(corners, camera.width, camera.height, 1)
        if window is None:
            return None
        x0, y0, x1, y1 = window
        left, right = corners[:, 0]
        bottom, top = corners[:, 1]
        picture = self._level('picture', board.texture, bottom - top)
        scale_x = picture.shape[1] / max(right - left, 1e-3)
        scale_y = picture.shape[0] / max(bottom - top, 1e-3)
        matrix = np.array(
            [
                [scale_x, 0, (x0 - left + 0.5) * scale_x - 0.5],
                [0, scale_y, (y0 - top + 0.5) * scale_y - 0.5],
            ]
        )
        patch = cv2.warpAffine(
            picture,
            matrix,
            (x1 - x0, y1 - y0),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        colour, alpha = patch[..., :3] * board.tint, patch[..., 3]
        colour = np.minimum(colour, 255 * alpha[..., None])
        sprite = Sprite(x0, y0, colour, alpha, float(foot[2]))
        sprite.add_haze(self.haze, 1 / 160)
        return sprite

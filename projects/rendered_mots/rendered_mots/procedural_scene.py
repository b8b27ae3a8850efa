# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np

from mmwsmots.datasets.transforms.random_shadow import cast_shadows
from mmwsmots.fileio.mots_txt import CLASS_IDS, IGNORE_CLASS_ID, MOTSObject
from mmwsmots.fileio.rle import mask_to_rle

from .camera import FOCAL_RATIO, Camera
from .camouflage import Camouflage
from .car_painter import CarPainter
from .compositor import blend_layers
from .pedestrian_painter import PedestrianPainter
from .rng import generator
from .sensor import Sensor
from .sprite import Sprite
from .street import Street
from .textures import PatchSource
from .traffic import Traffic

IGNORE_ID = IGNORE_CLASS_ID * 1000
# Objects that show less than this share of the frame become ignore regions.
MIN_AREA_SHARE = 4e-4
# So do those of which less than this share shows: annotators leave them out.
MIN_VISIBLE_SHARE = 1 / 3
MAX_DEPTH = 48.0


class ProceduralScene:
    """A drive through a street with cars and pedestrians, nothing given.

    Frames may be rendered in any order: each depends on the seed, the sequence and
    its number only.

    Args:
        seed (int): Seed of the data set.
        sequence (str): Name of the sequence.
        frames (int): Length of the sequence.
        size (tuple[int]): Width and height of the frames in pixels.
        source (PatchSource | None): Real frames as textures, or None.
        focal_ratio (float): Focal length in widths of the frame.
    """

    def __init__(
        self,
        seed: int,
        sequence: str,
        frames: int,
        size: tuple[int, int],
        source: PatchSource | None = None,
        focal_ratio: float = FOCAL_RATIO,
    ) -> None:
        self.size, self.frames = size, frames
        self._focal_ratio = focal_ratio
        traffic = Traffic(generator(seed, 'traffic', sequence), frames)
        self.drive = traffic.drive
        length = float(self.drive.z[-1])
        self.street = Street(seed, sequence, length, source, traffic.junctions)
        traffic.populate(self.street.layout)
        self.sensor = Sensor(seed, sequence, size[0])
        self._seed, self._sequence = seed, sequence
        self._actors, self._painters = {}, {}
        counts = dict.fromkeys(CLASS_IDS, 0)
        for actor in traffic.actors:
            track_id = CLASS_IDS[actor.kind] * 1000 + counts[actor.kind]
            counts[actor.kind] += 1
            self._actors[track_id] = actor
        self._low_contrast = {
            track_id
            for track_id in self._actors
            if Camouflage.wears(seed, sequence, track_id)
        }
        self._camouflage: dict[int, Camouflage | None] = {}

    def _camera(self, frame: int) -> Camera:
        return self.drive.camera(frame, self.size, self._focal_ratio)

    def _painter(self, track_id: int) -> CarPainter | PedestrianPainter:
        """Painter of an identity, built when it is first seen."""
        if track_id not in self._painters:
            is_car = track_id // 1000 == CLASS_IDS['car']
            kind = CarPainter if is_car else PedestrianPainter
            painter = kind(self._seed, self._sequence, track_id)
            self._painters[track_id] = painter
        return self._painters[track_id]

    def _draw_actor(self, track_id: int, camera: Camera, frame: int) -> Sprite | None:
        """Layer of an actor in its own colours, or None out of view."""
        actor = self._actors[track_id]
        x, z = actor.position(frame)
        if not -6 < z - camera.z < MAX_DEPTH:
            return None
        pose = (camera, x, z, actor.heading, self.street.sun)
        if actor.kind == 'pedestrian':
            pose += (frame, actor.speed)
        sprite = self._painter(track_id).sprite(*pose)
        if sprite is not None:
            sprite.track_id = track_id
            sprite.add_haze(self.street.haze, 1 / 200)
        return sprite

    def _find_camouflage(self, track_id: int) -> Camouflage | None:
        """Colours behind the actor halfway through the frames that show it."""
        if track_id not in self._camouflage:
            actor = self._actors[track_id]
            seen = []
            for frame in range(0, self.frames, max(1, self.frames // 20)):
                x, z = actor.position(frame)
                depth = z - self.drive.z[frame]
                if 3 < depth < 40 and abs(x) < 0.8 * depth:
                    seen.append(frame)
            self._camouflage[track_id] = None
            if seen:
                frame = seen[len(seen) // 2]
                camera = self._camera(frame)
                sprite = self._draw_actor(track_id, camera, frame)
                if sprite is not None:
                    background = self.street.render_base(camera)
                    blend_layers(background, self.street.layers(camera), self.sensor)
                    found = Camouflage.from_sprite(sprite, background)
                    self._camouflage[track_id] = found
        return self._camouflage[track_id]

    def _shadows(self, track_id: int, camera: Camera, frame: int) -> list[np.ndarray]:
        actor = self._actors[track_id]
        x, z = actor.position(frame)
        pose = (camera, x, z, actor.heading, self.street.sun)
        if actor.kind == 'pedestrian':
            pose += (frame, actor.speed)
        return self._painter(track_id).shadow(*pose)

    def render(self, frame: int) -> tuple[np.ndarray, list[MOTSObject]]:
        """Draw one frame.

        Args:
            frame (int): Number of the frame.

        Returns:
            tuple: The image, (h, w, 3) uint8 BGR, and its annotation.
        """
        camera = self._camera(frame)
        image = self.street.render_base(camera)
        layers, outlines = [], []
        for track_id in self._actors:
            sprite = self._draw_actor(track_id, camera, frame)
            if sprite is None:
                continue
            if track_id in self._low_contrast:
                camouflage = self._find_camouflage(track_id)
                if camouflage is not None:
                    camouflage.apply(sprite)
            layers.append(sprite)
            outlines += self._shadows(track_id, camera, frame)
        softness = 1.5 * self.sensor.pixel
        cast_shadows(image, outlines, self.street.shadow_strength, softness)
        whole = {layer.track_id: (layer.alpha >= 0.5).sum() for layer in layers}
        labels = blend_layers(image, layers + self.street.layers(camera), self.sensor)
        return self.sensor.expose(image, frame), self._annotate(labels, whole, frame)

    def _annotate(
        self, labels: np.ndarray, whole: dict[int, int], frame: int
    ) -> list[MOTSObject]:
        """Masks of a label image.

        Tiny ones and those of mostly hidden objects together are an ignore region;
        ``whole`` holds the areas of the objects as if nothing hid them.
        """
        height, width = labels.shape
        objects = []
        ignored = np.zeros(labels.shape, bool)
        ids, areas = np.unique(labels[labels > 0], return_counts=True)
        for track_id, area in zip(ids.tolist(), areas.tolist()):
            mask = labels == track_id
            least = max(MIN_AREA_SHARE * labels.size, 6)
            if area < max(least, MIN_VISIBLE_SHARE * whole[track_id]):
                ignored |= mask
                continue
            class_id = track_id // 1000
            objects.append(
                MOTSObject(frame, track_id, class_id, height, width, mask_to_rle(mask))
            )
        if ignored.any():
            objects.append(
                MOTSObject(
                    frame,
                    IGNORE_ID,
                    IGNORE_CLASS_ID,
                    height,
                    width,
                    mask_to_rle(ignored),
                )
            )
        return objects

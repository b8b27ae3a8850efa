# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import defaultdict
from typing import NamedTuple

import cv2
import numpy as np
from pycocotools import mask as mask_utils
from scipy.ndimage import median_filter

from mmwsmots.datasets.transforms.random_shadow import cast_shadows
from mmwsmots.fileio.mots_txt import CLASS_IDS, IGNORE_CLASS_ID, MOTSObject
from mmwsmots.fileio.rle import mask_to_rle

from .box_pictures import (
    car_heading,
    car_picture,
    pedestrian_picture,
    whole_car_box,
)
from .camera import Camera
from .camouflage import Camouflage
from .car_painter import CarPainter
from .compositor import blend_layers
from .label_resize import resize_masks
from .pedestrian_painter import PedestrianPainter
from .rng import generator
from .sensor import Sensor
from .sprite import Sprite
from .street import Street
from .textures import PatchSource
from .traffic import Drive

CLEAR = 2.5  # metres beside the road without scenery, as objects cover it anyway
PERSON_ASPECT = 0.42  # width over height of a person who is seen whole
MIN_IGNORE_AREA = 30  # pixels; smaller parts of ignore regions are left undrawn


class _Track(NamedTuple):
    """What is constant or smooth over one identity's track."""

    headings: dict[int, float]  # by frame; cars only
    aspect: float  # width over height where the object is seen whole
    side: int
    faces_camera: bool
    middle_frame: int


class AnnotatedScene:
    """Real silhouettes, tracks and ignore regions over a drawn street.

    Args:
        seed (int): Seed of the data set.
        sequence (str): Name of the sequence.
        objects (Sequence[MOTSObject]): Annotation of the sequence.
        frames (int): Length of the sequence.
        size (tuple[int]): Width and height of the rendered frames in pixels.
        source (PatchSource | None): Real frames as textures, or None.
    """

    def __init__(
        self,
        seed: int,
        sequence: str,
        objects: list[MOTSObject],
        frames: int,
        size: tuple[int, int],
        source: PatchSource | None = None,
    ) -> None:
        self._seed, self._sequence = seed, sequence
        self.size = size
        rng = generator(seed, 'drive', sequence)
        speed = rng.choice([0.0, rng.uniform(0.05, 0.3), rng.uniform(0.3, 0.9)])
        self.drive = Drive.random(rng, frames, speed)
        length = float(self.drive.z[-1])
        self.street = Street(seed, sequence, length, source, clear=CLEAR)
        self.sensor = Sensor(seed, sequence, size[0])
        self._objects: dict[int, list[MOTSObject]] = defaultdict(list)
        for obj in objects:
            self._objects[obj.frame_id].append(obj)
        self._tracks = self._measure_tracks(objects)
        self._painters: dict[int, CarPainter | PedestrianPainter] = {}
        self._camouflage: dict[int, Camouflage] = {}

    def _measure_tracks(self, objects: list[MOTSObject]) -> dict[int, _Track]:
        """Smooth the boxes of each track to a steady view of the object."""
        boxes = defaultdict(list)
        for obj in objects:
            if obj.class_id != IGNORE_CLASS_ID:
                boxes[obj.track_id].append((obj.frame_id, obj))
        tracks = {}
        for track_id, entries in boxes.items():
            frames = [frame for frame, _ in entries]
            rles = [obj.coco_rle for _, obj in entries]
            box = np.asarray(mask_utils.toBbox(rles), float)
            width, height = np.maximum(box[:, 2:], 1).T
            box[:, 2:] += box[:, :2]
            native = entries[0][1].width
            aspect = width / height
            whole = (box[:, 0] > 1) & (box[:, 2] < native - 1) & (aspect > 0.9)
            usual = float(np.median(aspect[whole])) if whole.any() else 2.0
            smooth = median_filter(np.where(whole, aspect, usual), 15, mode='nearest')
            smooth = np.convolve(np.pad(smooth, 4, 'edge'), np.ones(9) / 9, 'valid')
            centre = float(box[:, [0, 2]].mean()) / native
            rng = generator(self._seed, 'view', self._sequence, track_id)
            side = 1 if centre < 0.5 else -1
            rear = bool(rng.random() < (0.45 if side > 0 else 0.8))
            headings = {
                frame: car_heading(value, rear, side)
                for frame, value in zip(frames, smooth.tolist())
            }
            middle = frames[len(frames) // 2]
            faces = bool(rng.random() < 0.5)
            tracks[track_id] = _Track(headings, usual, side, faces, middle)
        return tracks

    def masks(self, frame: int) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
        """Objects of a frame at the rendered size.

        Returns:
            list[tuple]: (track id, class id, disjoint mask (h, w) bool, coverage
            (h, w) float32) of each object, in the order of the annotation.
        """
        objects = self._objects.get(frame, [])
        masks, coverage = resize_masks([obj.mask for obj in objects], self.size)
        return [
            (obj.track_id, obj.class_id, mask, cover)
            for obj, mask, cover in zip(objects, masks, coverage)
        ]

    def _painter(self, track_id: int, is_car: bool) -> CarPainter | PedestrianPainter:
        """Painter of an identity, built when it is first seen."""
        if track_id not in self._painters:
            kind = CarPainter if is_car else PedestrianPainter
            self._painters[track_id] = kind(self._seed, self._sequence, track_id)
        return self._painters[track_id]

    def _dress(
        self, track_id: int, coverage: np.ndarray, camera: Camera, frame: int
    ) -> Sprite:
        """Layer of an object in its own colours."""
        window, alpha = _crop(coverage)
        box = np.array(window, float)
        track = self._tracks[track_id]
        depth = camera.depth_of_row(window[3])
        if track_id // 1000 == CLASS_IDS['car']:
            painter = self._painter(track_id, True)
            box = whole_car_box(box, self.size, track.aspect, track.side)
            heading = track.headings[frame]
            colour = car_picture(painter, window, box, heading, self.street.sun)
        else:
            painter = self._painter(track_id, False)
            width, height = box[2:] - box[:2]
            cut = box[3] >= self.size[1] - 1 or width > 0.85 * height
            if cut:  # the legs are hidden
                box[3] = max(box[3], box[1] + width / PERSON_ASPECT)
            light = float(np.sign(self.street.sun[0]))
            colour = pedestrian_picture(
                painter, window, alpha, box, track.faces_camera, light
            )
        colour = np.clip(colour, 0, 255) * alpha[..., None]
        sprite = Sprite(window[0], window[1], colour, alpha, depth, track_id)
        sprite.add_haze(self.street.haze, 1 / 200)
        return sprite

    def _find_camouflage(self, track_id: int) -> Camouflage:
        """Colours behind the object in the middle of its track."""
        if track_id not in self._camouflage:
            frame = self._tracks[track_id].middle_frame
            camera = self.drive.camera(frame, self.size)
            coverage = next(m[3] for m in self.masks(frame) if m[0] == track_id)
            sprite = self._dress(track_id, coverage, camera, frame)
            background = self.street.render_base(camera)
            blend_layers(background, self.street.layers(camera), self.sensor)
            self._camouflage[track_id] = Camouflage.from_sprite(sprite, background)
        return self._camouflage[track_id]

    def _dress_ignored(
        self, track_id: int, coverage: np.ndarray, camera: Camera
    ) -> list[Sprite]:
        """Cars for the parts of an ignore region, as most of them are vehicles."""
        solid = (coverage >= 0.5).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(solid)
        painter = self._painter(track_id, True)
        sprites = []
        for x, y, width, height, area in stats[1:count]:
            if area < MIN_IGNORE_AREA or width > 0.4 * self.size[0]:
                continue
            window = (int(x), int(y), int(x + width), int(y + height))
            alpha = coverage[y : y + height, x : x + width]
            side = 1 if x + width / 2 < self.size[0] / 2 else -1
            heading = car_heading(width / height, True, side)
            box = np.array(window, float)
            colour = car_picture(painter, window, box, heading, self.street.sun)
            colour = np.clip(colour, 0, 255) * alpha[..., None]
            depth = camera.depth_of_row(window[3])
            sprites.append(Sprite(window[0], window[1], colour, alpha, depth, track_id))
        return sprites

    def render(self, frame: int) -> tuple[np.ndarray, list[MOTSObject]]:
        """Draw one frame.

        Args:
            frame (int): Number of the frame in the annotation.

        Returns:
            tuple: The image, (h, w, 3) uint8 BGR, and its annotation.
        """
        camera = self.drive.camera(frame, self.size)
        image = self.street.render_base(camera)
        blend_layers(image, self.street.layers(camera), self.sensor)
        width, height = self.size
        layers, outlines, objects = [], [], []
        for track_id, class_id, mask, coverage in self.masks(frame):
            rle = mask_to_rle(mask)
            objects.append(MOTSObject(frame, track_id, class_id, height, width, rle))
            if class_id == IGNORE_CLASS_ID:
                layers += self._dress_ignored(track_id, coverage, camera)
                continue
            sprite = self._dress(track_id, coverage, camera, frame)
            if Camouflage.wears(self._seed, self._sequence, track_id):
                self._find_camouflage(track_id).apply(sprite)
            layers.append(sprite)
            outlines += self._shadow(mask)
        softness = 1.5 * self.sensor.pixel
        cast_shadows(image, outlines, self.street.shadow_strength, softness)
        blend_layers(image, layers, self.sensor)
        return self.sensor.expose(image, frame), objects

    def _shadow(self, mask: np.ndarray) -> list[np.ndarray]:
        """Silhouette laid on the road, and a dark spot where it stands."""
        window, crop = _crop(mask)
        x0, y0, x1, y1 = window
        contours, _ = cv2.findContours(
            crop.astype(np.uint8),
            cv2.RETR_EXTERNAL,
            cv2.CHAIN_APPROX_SIMPLE,
            offset=(x0, y0),
        )
        sun = self.street.sun
        flat = 0.12 + 0.25 * abs(sun[2])
        direction = 1 if sun[2] < 0 else -1  # away from or towards the camera
        outlines = []
        for contour in contours:
            rise = (y1 - contour[:, 0, 1]).astype(float)
            x = contour[:, 0, 0] - 0.5 * sun[0] * rise
            outlines.append(np.stack([x, y1 - direction * flat * rise], -1))
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        radius = np.array([0.54 * (x1 - x0), 0.07 * (y1 - y0)])
        spot = np.stack([np.cos(angle), np.sin(angle)], -1) * radius
        outlines.append(np.add(spot, [(x0 + x1) / 2, y1 - 0.25 * radius[1]]))
        return outlines


def _crop(image: np.ndarray) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Window of the non-zero pixels and what lies in it."""
    covered = image > 0.02
    rows, cols = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    x0, y0, x1, y1 = cols[0], rows[0], cols[-1] + 1, rows[-1] + 1
    return (int(x0), int(y0), int(x1), int(y1)), image[y0:y1, x0:x1].copy()

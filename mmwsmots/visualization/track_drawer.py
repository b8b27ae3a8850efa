# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import colorsys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from mmwsmots.fileio.mots_txt import CLASS_IDS, IGNORE_CLASS_ID, MOTSObject

from .text import put_text, readable_on, render_text

SHORT_NAMES = {'pedestrian': 'person'}
MAX_LETTERS = 14  # of a class on a frame
ALPHA = 0.5  # opacity of masks
# Saturation and value; the hues of ids 8, 13, 21, ... apart are nearly the same.
_STYLES = (0.9, 1.0), (0.55, 1.0), (0.9, 0.7), (0.65, 0.85)


@lru_cache(maxsize=4096)
def id_color(track_id: int) -> tuple[int, int, int]:
    """Colour of an identity, BGR in 0..255; neighbouring ids differ strongly.

    Hues follow the golden ratio; ids ``class * 1000 + n`` of the first three classes
    with the same n are a third of the circle apart, those of further ones between.
    """
    group, number = divmod(track_id, 1000)
    hue = (0.618034 * number + group / 3 + group // 3 * 0.206011) % 1
    saturation, value = _STYLES[number % 4]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * blue), round(255 * green), round(255 * red)


class TrackDrawer:
    """Draws masks, names and trails of tracks on the frames of one video.

    All images are BGR. Ten objects on 1242 x 375 take about 10 ms.

    Args:
        trail_length (int): Number of frames of a trail of centres; 0 draws none.
        scale (int): Enlarges the frames, so that small ones have legible names.
        class_ids (Mapping[str, int]): Number of each class in :meth:`draw_objects`.
    """

    def __init__(
        self, trail_length: int = 20, scale: int = 1, class_ids: Mapping = CLASS_IDS
    ) -> None:
        self.class_names = {number: name for name, number in class_ids.items()}
        self.trail_length, self.scale = trail_length, scale
        self.reset()

    def reset(self) -> None:
        """Forget the trails: the next frame belongs to another video."""
        self._num_frames, self._trails = 0, {}

    def draw(
        self,
        image: np.ndarray,
        ids: Sequence[int],
        texts: Sequence[str],
        masks: np.ndarray | None = None,
        bboxes: np.ndarray | None = None,
        colors: Sequence[tuple[int, int, int]] | None = None,
    ) -> np.ndarray:
        """Draw the next frame.

        Args:
            image (ndarray): BGR, (H, W, 3) uint8; not changed.
            ids (Sequence[int]): N identities; each has its colour and its trail.
            texts (Sequence[str]): N labels; an empty one is not drawn.
            masks (ndarray, optional): (N, H, W), bool or 0/1; empty ones are left out.
            bboxes (ndarray, optional): (N, 4), xyxy in pixels; drawn as outlines.
            colors (Sequence[tuple], optional): BGR of each object in place of its id's.

        Returns:
            ndarray: BGR, (scale * H, scale * W, 3) uint8.

        Raises:
            ValueError: If masks or boxes are missing, or not one per id.
        """
        if masks is None and bboxes is None:
            raise ValueError('masks or bboxes are needed to draw objects')
        number, size = len(ids), image.shape[:2]
        if masks is not None and np.shape(masks) != (number, *size):
            text = f'{number} objects on a frame of {size[0]} x {size[1]} need masks'
            raise ValueError(f'{text} of that shape, got {np.shape(masks)}')
        if bboxes is not None and np.shape(bboxes) != (number, 4):
            text = f'{number} objects need bboxes of shape ({number}, 4), got'
            raise ValueError(f'{text} {np.shape(bboxes)}')
        self._num_frames += 1
        canvas = self._enlarge(image)
        line = max(1, round(canvas.shape[0] / 350))
        ids = [*map(int, ids)]
        colors = [*map(id_color, ids)] if colors is None else colors
        # regions: x, y, width, height of what is visible
        if bboxes is not None:
            corners = np.rint(np.asarray(bboxes) * self.scale).astype(int).tolist()
            regions = [
                (x1, y1, max(x2 - x1, 1), max(y2 - y1, 1)) for x1, y1, x2, y2 in corners
            ]
            for color, region in zip(colors, regions):
                cv2.rectangle(canvas, region, color, line)
        if masks is not None:
            regions = self._draw_masks(canvas, colors, masks, line)
        shown = [row for row in zip(ids, texts, regions, colors) if row[2] is not None]
        self._draw_trails(canvas, shown, line)
        _draw_labels(canvas, [row[1:] for row in shown if row[1]])
        return canvas

    def draw_objects(
        self, image: np.ndarray, objects: Sequence[MOTSObject]
    ) -> np.ndarray:
        """:meth:`draw` the objects of the next frame, without ignore regions.

        An id ``class * 1000 + n`` is labelled n.
        """
        objects = [obj for obj in objects if obj.class_id != IGNORE_CLASS_ID]
        masks = np.zeros((0, *image.shape[:2]), dtype=bool)
        if objects:
            masks = np.stack([obj.mask for obj in objects])
        ids = [obj.track_id for obj in objects]
        texts = [name_of(obj, self.class_names) for obj in objects]
        return self.draw(image, ids, texts, masks)

    def _draw_masks(self, canvas, colors, masks, line) -> list:
        """Blend masks, then outline them; returns their rectangles."""
        regions, outlines = [], []
        for color, mask in zip(colors, masks):
            mask = np.ascontiguousarray(mask).astype(np.uint8, copy=False)
            if self.scale > 1:
                mask = (self._enlarge(mask * 255) > 127).astype(np.uint8)
            x, y, width, height = region = cv2.boundingRect(mask)
            regions.append(region if width else None)
            if width == 0:
                continue
            window = slice(y, y + height), slice(x, x + width)
            crop, mask = canvas[window], np.ascontiguousarray(mask[window])
            paint = np.full_like(crop, color)
            tinted = cv2.addWeighted(crop, 1 - ALPHA, paint, ALPHA, 0)
            crop[:] = cv2.copyTo(tinted, mask, crop.copy())
            how = cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
            contours, _ = cv2.findContours(mask, *how, offset=(x, y))
            outlines.append((contours, color))
        for contours, color in outlines:
            cv2.drawContours(canvas, contours, -1, color, line, cv2.LINE_AA)
        return regions

    def _draw_trails(self, canvas, shown, line) -> None:
        """Extend, draw and forget trails; they get thinner towards the past."""
        if self.trail_length == 0:
            return
        oldest = self._num_frames - self.trail_length
        for track_id, trail in list(self._trails.items()):
            self._trails[track_id] = [place for place in trail if place[0] >= oldest]
        self._trails = {key: trail for key, trail in self._trails.items() if trail}
        for track_id, _, (x, y, width, height), color in shown:
            trail = self._trails.setdefault(track_id, [])
            trail.append((self._num_frames, (x + width // 2, y + height // 2)))
            for i, ((_, start), (_, end)) in enumerate(pairwise(trail), 1):
                width = line + (i > len(trail) // 2)
                cv2.line(canvas, start, end, color, width, cv2.LINE_AA)

    def _enlarge(self, image: np.ndarray) -> np.ndarray:
        """A copy, ``scale`` times as large, bilinear."""
        return cv2.resize(image, None, fx=self.scale, fy=self.scale)


def short_name(class_name: str) -> str:
    """A class as it is written on a frame."""
    name = SHORT_NAMES.get(class_name, class_name)
    return name if len(name) <= MAX_LETTERS else f'{name[: MAX_LETTERS - 1]}.'


def name_of(obj: MOTSObject, class_names: Mapping[int, str]) -> str:
    """'car 12' for the id 1012 of class 1; other ids in full."""
    group, number = divmod(obj.track_id, 1000)
    name = short_name(class_names.get(obj.class_id, f'class {obj.class_id}'))
    return f'{name} {number if group == obj.class_id else obj.track_id}'


def _draw_labels(canvas: np.ndarray, shown: list) -> None:
    """Put each name above its object, or where it hides no other name."""
    height, width = canvas.shape[:2]
    size = int(np.clip(9 + height / 80, 11, 30))
    taken = []
    # Large objects are the near ones: they choose first.
    shown.sort(key=lambda row: -row[1][2] * row[1][3])
    for text, (x, y, w, h), color in shown:
        label_h, label_w = render_text(text, size).shape
        label_w += 6
        left = int(np.clip(x + w // 2 - label_w // 2, 0, max(width - label_w, 0)))
        tops = [y - label_h - 1, y + h + 1, y - 2 * label_h - 2, y]
        tops = [top for top in tops if 0 <= top <= height - label_h] or [0]
        free = [top for top in tops if not _hits(taken, left, top, label_w, label_h)]
        top = (free or tops)[0]
        taken.append((left, top, label_w, label_h))
        cv2.rectangle(canvas, taken[-1], color, cv2.FILLED)
        put_text(canvas, text, (left + 3, top), size, readable_on(color))


def _hits(taken: list, x: int, y: int, w: int, h: int) -> bool:
    """Whether a rectangle overlaps one of a list."""
    return any(
        x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h
        for x2, y2, w2, h2 in taken
    )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""One picture of what a run's masks look like."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from benchmarks.views import INK, object_view
from mmwsmots.fileio import atomic_write
from mmwsmots.visualization import TrackDrawer
from mmwsmots.visualization.text import put_text

from .data import Frame
from .measures import Score

PER_CLASS = 12  # objects; classes beyond cars and people share one such number
MAIN_CLASSES = ('car', 'person', 'pedestrian')
NUM_FRAMES = 6  # drawn whole
CELL, GAP, TEXT = 140, 4, 12
OBJECTS_A_ROW, FRAMES_A_ROW = 3, 2


class Drawn(NamedTuple):
    """A frame's result.

    Attributes:
        frame (Frame): With n boxes.
        masks (list[dict]): Compressed COCO RLE, n.
        scores (list[Score]): n.
    """

    frame: Frame
    masks: list[dict]
    scores: list[Score]


def draw_page(results: Sequence[Drawn], title: str, out_file: Path) -> np.ndarray:
    """Save the page: whole frames, then objects as frame, truth and mask.

    The choice depends on the data alone, so that pages of two recipes show the same:
    frames at even places, objects at even quantiles of their class's box areas.

    Args:
        results (Sequence[Drawn]): Of all frames.
        title (str): First line.
        out_file (Path): PNG to write.

    Returns:
        ndarray: The page, BGR uint8.
    """
    width = OBJECTS_A_ROW * 3 * (CELL + GAP) + GAP
    header = np.full((2 * TEXT, width, 3), 255, np.uint8)
    put_text(header, title, (GAP, GAP), TEXT, INK)
    rows = [header, *_frame_rows(results, width), *_object_rows(results, width)]
    page = np.concatenate(rows)
    with atomic_write(out_file) as temp:
        temp.write_bytes(cv2.imencode('.png', page)[1].tobytes())
    return page


def _frame_rows(results: Sequence[Drawn], width: int) -> list[np.ndarray]:
    """Overlays of whole frames, side by side."""
    places = np.linspace(0, len(results) - 1, min(NUM_FRAMES, len(results)))
    panel = width // FRAMES_A_ROW - GAP
    panels = []
    for result in (results[round(place)] for place in places):
        frame = result.frame
        drawn = TrackDrawer(trail_length=0).draw(
            frame.read(),
            range(len(frame.ids)),
            [''] * len(frame.ids),
            masks=mask_utils.decode(result.masks).transpose(2, 0, 1),
        )
        # Portraits are no larger than landscapes.
        scale = min(panel / frame.size[1], 0.75 * panel / frame.size[0])
        size = [max(1, round(scale * side)) for side in frame.size[::-1]]
        panels.append(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA))
    rows = []
    for start in range(0, len(panels), FRAMES_A_ROW):
        group = panels[start : start + FRAMES_A_ROW]
        height = max(len(item) for item in group)
        row = np.full((height + GAP, width, 3), 255, np.uint8)
        for column, item in enumerate(group):
            left = column * (panel + GAP)
            row[: len(item), left : left + item.shape[1]] = item
        rows.append(row)
    return rows


def _object_rows(results: Sequence[Drawn], width: int) -> list[np.ndarray]:
    """Views of objects, a few to a row."""
    views = [_object_views(*place) for place in choose_objects(results)]
    rows = []
    for start in range(0, len(views), OBJECTS_A_ROW):
        row = np.full((CELL + 2 * TEXT, width, 3), 255, np.uint8)
        for column, view in enumerate(views[start : start + OBJECTS_A_ROW]):
            left = column * 3 * (CELL + GAP)
            row[: view.shape[0], left : left + view.shape[1]] = view
        rows.append(row)
    return rows


def choose_objects(results: Sequence[Drawn]) -> list[tuple[Drawn, int]]:
    """Objects at even quantiles of box area: cars, people, all others.

    Args:
        results (Sequence[Drawn]): Of all frames.

    Returns:
        list[tuple[Drawn, int]]: Frame and index of each, the small ones of a class
        first.
    """
    members = defaultdict(list)
    for result in results:
        sides = result.frame.boxes[:, 2:] - result.frame.boxes[:, :2]
        for index, area in enumerate(sides.prod(axis=1)):
            label = result.frame.labels[index]
            key = MAIN_CLASSES.index(label) if label in MAIN_CLASSES else 9
            members[key].append((area, len(members[key]), result, index))
    chosen = []
    for _, kind in sorted(members.items()):
        kind.sort(key=lambda member: member[:2])
        count = min(PER_CLASS, len(kind))
        quantiles = (np.arange(count) + 0.5) / count * len(kind)
        chosen += [kind[int(rank)][2:] for rank in quantiles]
    return chosen


def _object_views(result: Drawn, index: int) -> np.ndarray:
    """Frame, truth and mask of an object with a line about it."""
    frame, score = result.frame, result.scores[index]
    image = frame.read()
    canvas = np.full((CELL + 2 * TEXT, 3 * (CELL + GAP), 3), 255, np.uint8)
    for column, rle in enumerate((None, frame.truth[index], result.masks[index])):
        if column == 1 and rle is None:
            continue
        mask = None if rle is None else mask_utils.decode(rle).astype(bool)
        left = column * (CELL + GAP)
        view = object_view(image, mask, frame.boxes[index], CELL)
        canvas[:CELL, left : left + CELL] = view
    text = f'{frame.group} {frame.path.stem}, {score.label}: '
    if np.isnan(score.iou):
        text += f'no truth, confidence {score.confidence:.2f}'
    else:
        text += f'IoU {score.iou:.2f}, filled box {score.filled_iou:.2f}'
    put_text(canvas, text, (0, CELL + 1), TEXT, INK)
    return canvas

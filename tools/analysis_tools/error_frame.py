# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Mapping
from functools import partial

import cv2
import numpy as np
from frame_errors import FrameErrors

from mmwsmots.fileio.mots_txt import CLASS_IDS
from mmwsmots.visualization.text import put_text, readable_on, render_text
from mmwsmots.visualization.track_drawer import TrackDrawer, name_of

# BGR
ERROR_COLORS = dict(
    TP=(70, 200, 70), FP=(40, 40, 235), FN=(255, 120, 30), IDS=(0, 215, 255)
)
IGNORED_COLOR = (140, 140, 140)
STRIP, STRIP_TEXT = (30, 30, 30), (235, 235, 235)


def draw_errors(
    image: np.ndarray,
    errors: FrameErrors,
    totals: Mapping[str, int] | None = None,
    scale: int = 1,
    class_ids: Mapping[str, int] = CLASS_IDS,
) -> np.ndarray:
    """Draw what CLEAR counts in a frame, and the counts below it.

    Results are green (TP), red (FP) and yellow (TP with an identity switch), truth
    that was missed (FN) blue, results in ignore regions grey.

    Args:
        image (ndarray): BGR, (H, W, 3) uint8; not changed.
        errors (:obj:`FrameErrors`): Of this frame.
        totals (Mapping[str, int], optional): Counts up to this frame, to be written
            beside its own.
        scale (int): Enlarges the frame. Defaults to 1.
        class_ids (Mapping[str, int]): Number of each class. Defaults to KITTI MOTS's.

    Returns:
        ndarray: BGR, uint8: the frame and a strip of counts below it.

    Raises:
        ValueError: If the masks have another size than the frame.
    """
    names = {number: name for name, number in class_ids.items()}
    name_it = partial(name_of, class_names=names)
    drawn = [(obj, '', IGNORED_COLOR) for obj in errors.ignored]
    drawn += [(obj, f'FN {name_it(obj)}', ERROR_COLORS['FN']) for obj in errors.misses]
    for match in errors.matches:
        if match.switched_from is None:
            kind, words = 'TP', name_it(match.result)
        else:
            before = match.result._replace(track_id=match.switched_from)
            kind = 'IDS'
            words = f'{name_it(match.result)}, was {name_it(before).split()[-1]}'
        drawn.append((match.result, words, ERROR_COLORS[kind]))
    drawn += [
        (obj, f'FP {name_it(obj)}', ERROR_COLORS['FP'])
        for obj in errors.false_positives
    ]
    masks = np.zeros((0, *image.shape[:2]), dtype=bool)
    if drawn:
        masks = np.stack([obj.mask for obj, _, _ in drawn])
    # Truth and results may share an id: the trails would mix them.
    frame = TrackDrawer(trail_length=0, scale=scale).draw(
        image,
        [obj.track_id for obj, _, _ in drawn],
        [words for _, words, _ in drawn],
        masks,
        colors=[color for _, _, color in drawn],
    )
    return cv2.vconcat([frame, _draw_counts(frame.shape, errors, totals)])


def _draw_counts(
    shape: tuple[int, ...], errors: FrameErrors, totals: Mapping[str, int] | None
) -> np.ndarray:
    """The strip: the frame's number, its counts and, if given, the totals."""
    size = int(np.clip(9 + shape[0] / 80, 11, 30))
    strip = np.full((2 * size, shape[1], 3), STRIP, dtype=np.uint8)
    top = (2 * size - render_text('0', size).shape[0]) // 2
    left = size // 2
    words = f'frame {errors.frame_id}'
    put_text(strip, words, (left, top), size, STRIP_TEXT)
    left += render_text(words, size).shape[1] + 2 * size
    for kind, count in errors.count().items():
        words = f'{kind} {count}'
        width = render_text(words, size).shape[1] + size
        color = ERROR_COLORS[kind]
        cv2.rectangle(strip, (left, 2, width, 2 * size - 4), color, cv2.FILLED)
        put_text(strip, words, (left + size // 2, top), size, readable_on(color))
        left += width + size // 2
        if totals is not None:
            words = f'{totals[kind]} so far'
            put_text(strip, words, (left, top), size, STRIP_TEXT)
            left += render_text(words, size).shape[1] + size
    return strip

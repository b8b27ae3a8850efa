# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np


class SavedFrame(NamedTuple):
    """Detections of one frame: a line of JSON that :class:`SaveDetections` wrote."""

    frame_id: int  # number of the frame in its sequence, from 0
    size: tuple[int, int]  # height and width of the frame in pixels
    bboxes: np.ndarray  # xyxy in pixels, (N, 4) float32
    labels: np.ndarray  # classes, (N, ) int64, from 0
    scores: np.ndarray  # (N, ) float32
    embeds: np.ndarray  # embeddings, (N, D) float32
    rles: list[str]  # COCO's compressed encodings of N disjoint masks


def read_detections(path: str | Path) -> list[SavedFrame]:
    """Read the frames 0, 1, ... of a sequence that :class:`SaveDetections` wrote.

    Raises:
        ValueError: If a line breaks the format; the message names file and line.
    """
    frames = []
    with Path(path).open(encoding='ascii', errors='replace') as file:
        for number, line in enumerate(file, 1):
            try:
                frame = _parse_frame(line)
                if frame.frame_id != len(frames):
                    raise ValueError(
                        f'expected frame {len(frames)}, got {frame.frame_id}'
                    )
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f'{path}, line {number}: {error}') from None
            frames.append(frame)
    return frames


def _parse_frame(line: str) -> SavedFrame:
    data = json.loads(line)
    num = len(data['rles'])
    height, width = data['size']
    shapes = dict(bboxes=(num, 4), labels=(num,), scores=(num,))
    # Nested lists without content have lost their shape.
    shapes['embeds'] = (num, -1) if num else (0, 1)
    arrays = {}
    for name, shape in shapes.items():
        dtype = np.int64 if name == 'labels' else np.float32
        array = np.asarray(data[name], dtype=dtype)
        if len(array) != num:
            raise ValueError(f"'{name}' has the shape {array.shape} for {num} masks")
        arrays[name] = array.reshape(shape)
    return SavedFrame(data['frame_id'], (height, width), rles=data['rles'], **arrays)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmwsmots.fileio.named_place import named_place
from mmwsmots.fileio.text_lines import text_lines

from .box_file import BoxFile, Numbering
from .tracked_box import TrackedBox, finite_numbers, read_integer

NUM_FIELDS = 17  # a result has one more, its score
DONT_CARE = 'DontCare'


def read_kitti_tracking(path: Path) -> BoxFile:
    """Read the boxes of a KITTI tracking label file, ``label_02/SSSS.txt``.

    Lines have 17 fields: frame, track id, type, truncated, occluded, alpha, the box
    (left, top, right, bottom) and the 3D box; results have a score behind them. Boxes
    of type DontCare, whose track id is -1, become ignored ones. Frames count from 0;
    KITTI's pictures have their numbers as names. See :func:`read_boxes`.
    """
    numbering = Numbering(0, names_are_numbers=True)
    file = BoxFile(path, read_kitti_boxes(path), numbering)
    file.check_identities()
    return file


def read_kitti_boxes(path: str | Path) -> list[TrackedBox]:
    """The boxes of :func:`read_kitti_tracking`, whatever their identities."""
    boxes = []
    for number, line in text_lines(path):
        with named_place(f'{path}, line {number}: '):
            boxes.append(_parse_line(line, f'line {number}'))
    return boxes


def _parse_line(line: str, where: str) -> TrackedBox:
    """The box of a line."""
    fields = line.split()
    if len(fields) not in (NUM_FIELDS, NUM_FIELDS + 1):
        raise ValueError(
            f'expected {NUM_FIELDS} fields and maybe a score, got {len(fields)}'
        )
    frame_id = read_integer(fields[0], 'the frame')
    track_id = read_integer(fields[1], 'the track id')
    if frame_id < 0:
        raise ValueError(f'the frame is {frame_id}')
    bbox = finite_numbers(fields[6:10], ['left', 'top', 'right', 'bottom'])
    name = fields[2]
    (score,) = finite_numbers(fields[NUM_FIELDS:] or [1], ['the score'])
    return TrackedBox(
        frame_id, track_id, name, tuple(bbox), name == DONT_CARE, where, score
    )

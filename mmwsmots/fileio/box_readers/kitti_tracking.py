# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from .tracked_box import TrackedBox, check_identities, finite_numbers, whole_number

NUM_FIELDS = 17  # a result has one more, its score
DONT_CARE = 'DontCare'


def read_kitti_tracking(path: str | Path) -> list[TrackedBox]:
    """Read the tracks of a KITTI tracking label file, ``label_02/SSSS.txt``.

    See :func:`read_kitti_boxes`.

    Args:
        path (str | Path): The file; an empty one has no boxes.

    Returns:
        list[TrackedBox]: The boxes in the order of the file.

    Raises:
        ValueError: If a line breaks the format, has no identity or one that came in
            its frame before; the message names file and line.
    """
    boxes = read_kitti_boxes(path)
    try:
        check_identities(boxes)
    except ValueError as error:
        raise ValueError(f'{path}, {error}') from None
    return boxes


def read_kitti_boxes(path: str | Path) -> list[TrackedBox]:
    """Read the 2D boxes of a KITTI tracking label file, whatever their identities.

    Lines have 17 fields: frame, track id, type, truncated, occluded, alpha, the box
    (left, top, right, bottom) and the 3D box. Boxes of type DontCare, whose track id
    is -1, become ignored ones.

    Args:
        path (str | Path): The file; an empty one has no boxes.

    Returns:
        list[TrackedBox]: The boxes in the order of the file.

    Raises:
        ValueError: If a line breaks the format; the message names file and line.
    """
    boxes = []
    lines = Path(path).read_text(encoding='utf-8-sig', errors='replace').splitlines()
    for number, line in enumerate(lines, 1):
        try:
            boxes.append(_parse_line(line, f'line {number}'))
        except ValueError as error:
            raise ValueError(f'{path}, line {number}: {error}') from None
    return boxes


def _parse_line(line: str, where: str) -> TrackedBox:
    """The box of a line."""
    fields = line.split()
    if len(fields) < NUM_FIELDS:
        raise ValueError(f'expected {NUM_FIELDS} fields, got {len(fields)}')
    numbers = finite_numbers(fields[:2], ['the frame', 'the track id'])
    frame_id = whole_number(numbers[0], 'the frame')
    track_id = whole_number(numbers[1], 'the track id')
    if frame_id < 0:
        raise ValueError(f'the frame is {frame_id}')
    bbox = finite_numbers(fields[6:10], ['left', 'top', 'right', 'bottom'])
    name = fields[2]
    return TrackedBox(frame_id, track_id, name, tuple(bbox), name == DONT_CARE, where)

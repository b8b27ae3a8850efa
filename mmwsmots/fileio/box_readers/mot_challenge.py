# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from .tracked_box import TrackedBox, check_identities, finite_numbers, whole_number

# MOT17: 3 car, 4 bicycle, 5 motorbike, 6 other vehicle, 9-11 and 13 occluders.
OTHER_CLASSES = (3, 4, 5, 6, 9, 10, 11, 13)
MIN_FIELDS = 8
NUM_FIELDS_WITH_WORLD = 10


def read_mot_challenge(
    path: str | Path, class_name: str, first_frame: int | None = None
) -> list[TrackedBox]:
    """Read the boxes of a MOTChallenge text file.

    Lines are ``frame,id,x,y,w,h,confidence,class,visibility`` as in MOT16 and later,
    or ``frame,id,x,y,w,h,confidence,X,Y,Z`` as in the 2D MOT 2015 and in results,
    whose last three fields are world coordinates or -1. A confidence of 0 marks a row
    as not to be evaluated: MOT17 gives it to other classes (car, bicycle, occluder,
    ...), which are left out as background, and to people who are hard to tell (on a
    vehicle, static, distractor, reflection), who become ignored boxes.

    Args:
        path (str | Path): The file; an empty one has no boxes.
        class_name (str): Class of its boxes, which the file does not name.
        first_frame (int, optional): Number of the first frame in the file. None takes
            0 if the file has a frame 0, else 1, as the format is defined.

    Returns:
        list[TrackedBox]: The boxes in the order of the file.

    Raises:
        ValueError: If a line breaks the format or repeats an identity within a frame;
            the message names file and line.
    """
    boxes, others = [], []
    lines = Path(path).read_text(encoding='utf-8-sig', errors='replace').splitlines()
    for number, line in enumerate(lines, 1):
        where = f'line {number}'
        try:
            box, is_other = _parse_line(line, class_name, where)
        except ValueError as error:
            raise ValueError(f'{path}, {where}: {error}') from None
        boxes.append(box)
        others.append(is_other)
    if first_frame is None:
        first_frame = 0 if any(box.frame_id == 0 for box in boxes) else 1
    try:
        # Ignored or not, a row's identity is its own.
        check_identities(box._replace(is_ignored=False) for box in boxes)
    except ValueError as error:
        raise ValueError(f'{path}, {error}') from None
    return [
        box._replace(frame_id=box.frame_id - first_frame)
        for box, is_other in zip(boxes, others)
        if not is_other
    ]


def _parse_line(line: str, class_name: str, where: str) -> tuple[TrackedBox, bool]:
    """A line's box, with the file's frame number, and whether it is left out."""
    fields = line.split(',')
    if len(fields) < MIN_FIELDS:
        raise ValueError(f'expected at least {MIN_FIELDS} fields, got {len(fields)}')
    row = finite_numbers(
        fields[:MIN_FIELDS], [f'field {place}' for place in range(1, MIN_FIELDS + 1)]
    )
    frame_id, track_id = (
        whole_number(row[place], f'field {place + 1}') for place in (0, 1)
    )
    mot_class = -1
    if len(fields) != NUM_FIELDS_WITH_WORLD:
        mot_class = whole_number(row[7], 'field 8')
    x, y, w, h, confidence = row[2:7]
    bbox = x, y, x + w, y + h
    is_ignored = confidence == 0
    box = TrackedBox(frame_id, track_id, class_name, bbox, is_ignored, where)
    return box, is_ignored and mot_class in OTHER_CLASSES

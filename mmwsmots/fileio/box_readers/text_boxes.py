# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Boxes in the text files of KITTI tracking and MOTChallenge."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmwsmots.fileio.files import named_place, text_lines

from .box_file import BoxFile, Numbering, TrackedBox
from .values import finite_numbers, read_integer

NUM_FIELDS = 17  # a result has one more, its score
DONT_CARE = 'DontCare'
# MOT17: 3 car, 4 bicycle, 5 motorbike, 6 other vehicle, 9-11 and 13 occluders.
OTHER_CLASSES = (3, 4, 5, 6, 9, 10, 11, 13)
MIN_FIELDS, MAX_FIELDS = 6, 10
VISDRONE = (
    *('ignored regions', 'pedestrian', 'people', 'bicycle', 'car', 'van', 'truck'),
    *('tricycle', 'awning-tricycle', 'bus', 'motor', 'others'),
)
NO_CLASS = -1


def _read_lines(path: str | Path, parse: Callable[[str, str], Any]) -> list:
    """What ``parse`` makes of each line and its place."""
    parsed = []
    for number, line in text_lines(path):
        with named_place(f'{path}, line {number}: '):
            parsed.append(parse(line, f'line {number}'))
    return parsed


def read_kitti_tracking(path: Path) -> BoxFile:
    """Read the boxes of a KITTI tracking label file, ``label_02/SSSS.txt``.

    Lines have 17 fields, results a score behind them. Boxes of type DontCare become
    ignored ones. See :func:`read_boxes`.
    """
    numbering = Numbering(0, names_are_numbers=True)
    file = BoxFile(path, read_kitti_boxes(path), numbering)
    file.check_identities()
    return file


def read_kitti_boxes(path: str | Path) -> list[TrackedBox]:
    """The boxes of :func:`read_kitti_tracking`, whatever their identities."""
    return _read_lines(path, _parse_kitti_line)


def _parse_kitti_line(line: str, where: str) -> TrackedBox:
    fields = line.split()
    if (num := len(fields)) not in (NUM_FIELDS, NUM_FIELDS + 1):
        raise ValueError(f'expected {NUM_FIELDS} fields and maybe a score, got {num}')
    frame_id = read_integer(fields[0], 'the frame', minimum=0)
    track_id = read_integer(fields[1], 'the track id')
    bbox = finite_numbers(fields[6:10], ['left', 'top', 'right', 'bottom'])
    (score,) = finite_numbers(fields[NUM_FIELDS:] or [1], ['the score'])
    box = frame_id, track_id, fields[2], tuple(bbox), fields[2] == DONT_CARE
    return TrackedBox(*box, where, score)


def read_mot_challenge(path: Path, class_name: str | None = None) -> BoxFile:
    """Read the boxes of a MOTChallenge text file.

    Lines have 6 to 10 fields, with commas or blanks between them:
    ``frame id x y w h [confidence [class [visibility]]]``, as in MOT16 and later;
    ``frame id x y w h confidence X Y Z``, as in 2D MOT 2015 and results; or VisDrone's
    ``frame id x y w h score category truncation occlusion``.

    A class is a line of ``labels.txt`` beside the file, counted from 1, or VisDrone's,
    or ``class_name``. With identities, a confidence of 0 marks what is not evaluated:
    without ``labels.txt``, MOT17's other classes are left out, the rest is ignored.
    Without, it is a score like any other. See :func:`read_boxes`.
    """
    rows = _read_lines(path, _parse_line)
    names, notices = _class_names(path, rows, class_name)
    # Ignored or not, a row's identity is its own.
    file = BoxFile(path, [box for box, _ in rows], notices=notices)
    file.numbering = Numbering(0 if any(b.frame_id == 0 for b in file.boxes) else 1)
    file.check_identities()
    if rows and names is None:
        raise ValueError(
            f'{path}: MOTChallenge text names no classes, give the class of its boxes '
            '(--class-name), or their names in a labels.txt beside it'
        )
    is_visdrone = isinstance(names, dict) and 0 in names
    has_identities, file.boxes = file.has_identities, []
    for box, fields in rows:
        number = int(fields[7]) if is_visdrone else _class_number(fields)
        if isinstance(names, dict) and number not in names:
            text = f'but there are only {len(names)} names in labels.txt'
            raise ValueError(f'{path}, {box.where}: class {number}, {text}')
        name = names[number] if isinstance(names, dict) else names
        is_ignored = box.score == 0 and has_identities
        is_ignored |= is_visdrone and number in (0, len(VISDRONE) - 1)
        if isinstance(names, dict) or not is_ignored or number not in OTHER_CLASSES:
            file.boxes.append(box._replace(class_name=name, is_ignored=is_ignored))
    return file


def _parse_line(line: str, where: str) -> tuple[TrackedBox, tuple[float, ...]]:
    """The box, without a class, and all fields of a line."""
    if ',' in line:
        fields = [field.strip() for field in line.rstrip(' \t,').split(',')]
    else:
        fields = line.split()
    if not MIN_FIELDS <= (num := len(fields)) <= MAX_FIELDS:
        raise ValueError(f'expected {MIN_FIELDS} to {MAX_FIELDS} fields, got {num}')
    row = finite_numbers(fields, [f'field {i}' for i in range(1, len(fields) + 1)])
    frame_id, track_id = (read_integer(row[i], f'field {i + 1}') for i in (0, 1))
    if frame_id < 0:
        raise ValueError(f'the frame is {frame_id}')
    _class_number(row)
    x, y, w, h, confidence = [*row, 1.0][2:7]
    bbox = x, y, x + w, y + h
    box = TrackedBox(frame_id, track_id, '', bbox, False, where, confidence)
    return box, tuple(row)


def _class_number(row: Sequence[float]) -> int:
    return read_integer(row[7], 'field 8') if len(row) in (8, 9) else NO_CLASS


def _class_names(
    path: Path, rows: Sequence[tuple[TrackedBox, tuple]], class_name: str | None
) -> tuple[dict[int, str] | str | None, list[str]]:
    """Names by number, or the name of all boxes (None: unknown), and notices."""
    labels = path.with_name('labels.txt')
    has_numbers = any(_class_number(fields) != NO_CLASS for _, fields in rows)
    if has_numbers and labels != path and labels.is_file():
        names = {number: line.strip() for number, line in text_lines(labels)}
        notices = [f'classes are those of {labels}']
        if class_name is not None:
            notices.append(f'the class {class_name} is not used, {labels} names them')
        return names, notices
    # The last fields of VisDrone are categories and levels, not coordinates.
    tails = {fields[7:] for _, fields in rows}
    ranges = range(len(VISDRONE)), (0, 1), (0, 1, 2)
    if any(tail and tail[0] > 0 for tail in tails) and all(
        len(tail) == 3 and all(value in known for value, known in zip(tail, ranges))
        for tail in tails
    ):
        if class_name is not None:
            raise ValueError(
                f"{path}: its fields 8 to 10 are VisDrone's category, truncation and "
                'occlusion, which name the classes; leave out --class-name'
            )
        return dict(enumerate(VISDRONE)), ["classes are VisDrone's"]
    numbers = Counter(_class_number(fields) for box, fields in rows if box.score != 0)
    del numbers[NO_CLASS]
    if len(numbers) > 1:
        counts = ', '.join(f'{i} ({n} boxes)' for i, n in sorted(numbers.items()))
        text = f'{path}: field 8 has the classes {counts}; put a labels.txt with the'
        raise ValueError(f'{text} name of class 1, 2, ... on each line beside it')
    return class_name, []

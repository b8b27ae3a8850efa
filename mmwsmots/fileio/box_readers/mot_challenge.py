# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmwsmots.fileio.named_place import named_place
from mmwsmots.fileio.text_lines import text_lines

from .box_file import BoxFile, Numbering
from .tracked_box import TrackedBox, finite_numbers, whole_number

# MOT17: 3 car, 4 bicycle, 5 motorbike, 6 other vehicle, 9-11 and 13 occluders.
OTHER_CLASSES = (3, 4, 5, 6, 9, 10, 11, 13)
MIN_FIELDS, MAX_FIELDS = 6, 10
VISDRONE = (
    *('ignored regions', 'pedestrian', 'people', 'bicycle', 'car', 'van', 'truck'),
    *('tricycle', 'awning-tricycle', 'bus', 'motor', 'others'),
)
NO_CLASS = -1


class Row(NamedTuple):
    """A line: its box, without a class, the number of its class and its fields."""

    box: TrackedBox
    class_number: int
    fields: tuple[float, ...]


def read_mot_challenge(path: Path, class_name: str | None = None) -> BoxFile:
    """Read the boxes of a MOTChallenge text file.

    Lines have 6 to 10 fields, with commas or blanks between them:
    ``frame id x y w h [confidence [class [visibility]]]`` as in MOT16 and later, or
    ``frame id x y w h confidence X Y Z`` as in the 2D MOT 2015 and in results, whose
    last three fields are world coordinates or -1, or, with 10 fields too, VisDrone's
    ``frame id x y w h score category truncation occlusion``.

    A class is a line of ``labels.txt`` beside the file, counted from 1, as CVAT and
    datumaro write it, or one of VisDrone's, or ``class_name``. Without a
    ``labels.txt`` a confidence of 0 marks a row as not to be evaluated: MOT17 gives it
    to other classes (car, bicycle, occluder, ...), which are left out as background,
    and to people who are hard to tell (on a vehicle, static, distractor, reflection),
    who become ignored boxes. In a file in which all ids are -1, as of a detector, the
    confidence is the box's score. Frames count from 0 if the file has a frame 0, else
    from 1, as the format is defined. See :func:`read_boxes`.
    """
    rows = []
    for number, line in text_lines(path):
        with named_place(f'{path}, line {number}: '):
            rows.append(_parse_line(line, f'line {number}'))
    names, notices = _class_names(path, rows, class_name)
    is_from_0 = any(row.box.frame_id == 0 for row in rows)
    numbering = Numbering(0 if is_from_0 else 1)
    has_identities = any(row.box.track_id != -1 for row in rows)
    # Ignored or not, a row's identity is its own.
    file = BoxFile(path, [row.box for row in rows], numbering, notices=notices)
    file.check_identities()
    file.boxes = _name_boxes(path, rows, names, has_identities)
    return file


def _parse_line(line: str, where: str) -> Row:
    """The box of a line, with the file's frame number."""
    if ',' in line:
        fields = [field.strip() for field in line.rstrip(' \t,').split(',')]
    else:
        fields = line.split()
    if not MIN_FIELDS <= len(fields) <= MAX_FIELDS:
        raise ValueError(
            f'expected {MIN_FIELDS} to {MAX_FIELDS} fields, got {len(fields)}'
        )
    row = finite_numbers(fields, [f'field {i}' for i in range(1, len(fields) + 1)])
    frame_id, track_id = (whole_number(row[i], f'field {i + 1}') for i in (0, 1))
    if frame_id < 0:
        raise ValueError(f'the frame is {frame_id}')
    class_number = NO_CLASS
    if len(row) in (8, 9):
        class_number = whole_number(row[7], 'field 8')
    x, y, w, h = row[2:6]
    confidence = row[6] if len(row) > 6 else 1.0
    box = TrackedBox(
        frame_id, track_id, '', (x, y, x + w, y + h), False, where, confidence
    )
    return Row(box, class_number, tuple(row))


def _class_names(
    path: Path, rows: Sequence[Row], class_name: str | None
) -> tuple[dict[int, str] | str | None, list[str]]:
    """Names by number, or the name of all boxes (None: unknown), and notices."""
    labels = path.with_name('labels.txt')
    has_numbers = any(row.class_number != NO_CLASS for row in rows)
    if has_numbers and labels != path and labels.is_file():
        names = {number: line.strip() for number, line in text_lines(labels)}
        notices = [f'classes are those of {labels}']
        if class_name is not None:
            notices.append(f'the class {class_name} is not used, {labels} names them')
        return names, notices
    if _is_visdrone(rows):
        if class_name is not None:
            raise ValueError(
                f"{path}: its fields 8 to 10 are VisDrone's category, truncation and "
                'occlusion, which name the classes; leave out --class-name'
            )
        return dict(enumerate(VISDRONE)), ["classes are VisDrone's"]
    numbers = Counter(
        row.class_number
        for row in rows
        if row.box.score != 0 and row.class_number != NO_CLASS
    )
    if len(numbers) > 1:
        counts = ', '.join(f'{i} ({n} boxes)' for i, n in sorted(numbers.items()))
        raise ValueError(
            f'{path}: field 8 has the classes {counts}; put a labels.txt with the name '
            'of class 1, 2, ... on each line beside it'
        )
    return class_name, []


def _is_visdrone(rows: Sequence[Row]) -> bool:
    """Whether the last fields are categories and levels, not coordinates."""
    tails = {row.fields[7:] for row in rows}
    return (
        bool(tails)
        and all(len(row.fields) == MAX_FIELDS for row in rows)
        and all(
            a in range(len(VISDRONE)) and b in (0, 1) and c in (0, 1, 2)
            for a, b, c in tails
        )
        and any(a > 0 for a, _, _ in tails)
    )


def _name_boxes(
    path: Path,
    rows: Sequence[Row],
    names: dict[int, str] | str | None,
    has_identities: bool,
) -> list[TrackedBox]:
    """Boxes with classes, without those of no interest."""
    if rows and names is None:
        raise ValueError(
            f'{path}: MOTChallenge text names no classes, give the class of its boxes '
            '(--class-name), or their names in a labels.txt beside it'
        )
    is_visdrone = isinstance(names, dict) and 0 in names
    boxes = []
    for row in rows:
        number = int(row.fields[7]) if is_visdrone else row.class_number
        name = names
        if isinstance(names, dict):
            if number not in names:
                raise ValueError(
                    f'{path}, {row.box.where}: class {number}, but there are only '
                    f'{len(names)} names in labels.txt'
                )
            name = names[number]
        is_ignored = row.box.score == 0 and has_identities
        is_ignored |= is_visdrone and number in (0, len(VISDRONE) - 1)
        if isinstance(names, str) and is_ignored and number in OTHER_CLASSES:
            continue
        boxes.append(row.box._replace(class_name=name, is_ignored=is_ignored))
    return boxes

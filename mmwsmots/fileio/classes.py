# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Names of classes, compared without case, their numbers in files and labels.txt."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

from .files import atomic_write, decode
from .mots_txt import CLASS_IDS, IGNORE_CLASS_ID

LABELS_FILE = 'labels.txt'  # beside text files and folders of pictures


def fold(name: str) -> str:
    """What is compared of a name: neither case nor outer blanks count."""
    return unicodedata.normalize('NFC', name).strip().casefold()


def check_class_names(classes: object, where: str) -> tuple[str, ...]:
    """The names in a list that a config or a caller gives, ``where`` for messages.

    ValueError if it is one string, empty, or two names are the same.
    """
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        text = f'of one class: ({str(classes)!r},)'
        raise ValueError(f'{where} must be a list of names, got {classes!r}; {text}')
    first = {}
    for name in classes:
        if not isinstance(name, str) or not fold(name):
            raise ValueError(f'{where}: {name!r} is no name')
        other = first.setdefault(fold(name), name)
        if other is not name:
            raise ValueError(f'{where}: {other!r} and {name!r} are the same name')
    if not first:
        raise ValueError(f'{where} names no class')
    return tuple(classes)


def find_name(name: str, names: Iterable[str]) -> str | None:
    """The one of some names that is the same but for its case, if any."""
    return next((other for other in names if fold(other) == fold(name)), None)


def suggest(name: str, names: Iterable[str]) -> str:
    """``, did you mean 'NAME'?`` of a name that is not among others, or ''."""
    by_fold = {fold(other): other for other in names}
    near = difflib.get_close_matches(fold(name), by_fold, n=1)
    return f", did you mean '{by_fold[near[0]]}'?" if near else ''


def class_numbers(names: Iterable[str], known: Sequence[str] = ()) -> dict[str, int]:
    """Number of each class.

    ``car`` and ``pedestrian`` in any case have those of KITTI MOTS; others count from 1
    in their order, behind ``known``, from :func:`read_labels`, without 10: ignore
    regions.
    """
    names = list(dict.fromkeys(names))
    if not known and all(find_name(name, CLASS_IDS) for name in names):
        known = tuple(find_name(name, names) or name for name in CLASS_IDS)
    ordered = [*known, *(name for name in names if find_name(name, known) is None)]
    free = (number for number in count(1) if number != IGNORE_CLASS_ID)
    return dict(zip(ordered, free))


def write_labels(path: str | Path, numbers: dict[str, int]) -> list[str]:
    """Write line n, the name of class n, for all but KITTI MOTS's, and say so.

    The folder is created. ValueError if a name has several lines.
    """
    if numbers == CLASS_IDS:
        return []
    names = {number: name for name, number in numbers.items()}
    for name in numbers:
        if len(name.splitlines()) != 1:
            raise ValueError(f'{path}: a line cannot hold the name {name!r}')
    lines = [names.get(i, 'ignore') for i in range(1, max(names, default=0) + 1)]
    with atomic_write(path) as temp:
        temp.write_text(''.join(f'{line}\n' for line in lines), encoding='utf-8')
    return [f'classes are named in {path}']


def add_labels(texts: Sequence[Path], numbers: dict[str, int]) -> None:
    """Name the classes of the text files of a folder in ``labels.txt``, if needed.

    ValueError if the folder has other classes: its files would change theirs.
    """
    check_labels(texts, numbers)
    path = texts[0].with_name(LABELS_FILE)
    if not path.exists():
        write_labels(path, numbers)


def check_labels(texts: Sequence[Path], numbers: dict[str, int]) -> None:
    """See whether :func:`add_labels` would be refused."""
    path = texts[0].with_name(LABELS_FILE)
    before = known_classes(path, *texts)
    if before and [*map(fold, before)] != [*map(fold, numbers)]:
        text = f'{path}: the files there have the classes {", ".join(before)}'
        raise ValueError(f'{text}, these {", ".join(numbers)}; choose another folder')


def read_labels(path: str | Path) -> tuple[str, ...]:
    """Names in ``labels.txt``, without that of ignore regions; () without a file.

    ValueError if a line is empty or no text, a name comes twice or line 10 is a class.
    """
    path = Path(path)
    if not path.exists():
        return ()
    try:
        names = decode(path.read_bytes(), 'strict').rstrip().splitlines()
    except UnicodeDecodeError:
        raise ValueError(f'{path}: neither UTF-8 nor UTF-16 with its mark') from None
    if len(names) >= IGNORE_CLASS_ID:
        name = names.pop(IGNORE_CLASS_ID - 1)
        if fold(name) != 'ignore':
            raise ValueError(
                f'{path}: line {IGNORE_CLASS_ID} is {name!r}, but in KITTI MOTS that '
                "number means 'ignore'; CVAT's COCO has the names of the classes"
            )
    for i, name in enumerate(names):
        if not name.strip() or find_name(name, names[:i]) is not None:
            raise ValueError(f'{path}: {name!r} is no name, or comes twice')
    return tuple(names)


def known_classes(labels: Path, *texts: Path) -> tuple[str, ...]:
    """Classes with numbers where text files go, in their order.

    Those of ``labels.txt``, else of KITTI MOTS if other videos have files there, else
    none. ValueError if a text would be a ``labels.txt``.
    """
    own = {text.name for text in texts}
    if LABELS_FILE in own:
        text = 'it cannot be that of a video too; give the video another name'
        raise ValueError(f'{labels}: this file names classes, {text}')
    others = {path.name for path in texts[0].parent.glob('*.txt')} - own - {LABELS_FILE}
    return read_labels(labels) or (tuple(CLASS_IDS) if others else ())


def class_name_of(number: int, labels: Sequence[str]) -> str:
    """The name of a class in text files and pictures, 'ignore' of ignore regions.

    ValueError if it has none in ``labels``, or, if these are empty, in KITTI MOTS.
    """
    if number == IGNORE_CLASS_ID:
        return 'ignore'
    labels = labels or tuple(CLASS_IDS)
    place = number - 1 - (number > IGNORE_CLASS_ID)
    if not 0 <= place < len(labels):
        raise ValueError(f'class {number} has no name in {", ".join(labels)}')
    return labels[place]


def labels_of(folder: str | Path) -> tuple[str, ...]:
    """The :func:`read_labels` of text files or pictures in a folder, or beside it."""
    folder = Path(folder)
    folders = [folder]
    if folder.name == 'instances_txt':
        folders.append(folder.parent)
    if folder.parent.name == 'instances':
        folders.append(folder.parents[1])
    return next(filter(None, (read_labels(f / LABELS_FILE) for f in folders)), ())

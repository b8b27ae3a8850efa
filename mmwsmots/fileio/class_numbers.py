# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Numbers of classes in MOTS text files and 16-bit pictures, and their labels.txt."""

from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

from .atomic_write import atomic_write
from .class_names import find_name, fold
from .mots_txt import CLASS_IDS, IGNORE_CLASS_ID
from .text_lines import decode

LABELS_FILE = 'labels.txt'  # beside text files and folders of pictures


def class_numbers(names: Iterable[str], known: Sequence[str] = ()) -> dict[str, int]:
    """Number classes.

    ``car`` and ``pedestrian``, or one of them, have the numbers of KITTI MOTS; other
    classes count from 1 on in the given order. 10 is left out: it stands for ignore
    regions.

    Args:
        names (Iterable[str]): The classes.
        known (Sequence[str]): Classes that have numbers already, from
            :func:`read_labels`; further ones follow.

    Returns:
        dict[str, int]: Number of each class, the known ones first.
    """
    names = list(dict.fromkeys(names))
    if not known and set(names) <= set(CLASS_IDS):
        known = tuple(CLASS_IDS)
    ordered = [*known, *(name for name in names if find_name(name, known) is None)]
    free = (number for number in count(1) if number != IGNORE_CLASS_ID)
    return dict(zip(ordered, free))


def write_labels(path: str | Path, numbers: dict[str, int]) -> bool:
    """Write ``labels.txt``, line n the name of class n; its folder is created.

    Returns:
        bool: False if nothing was written, as the classes are just KITTI MOTS's.

    Raises:
        ValueError: If a name has several lines.
    """
    if numbers == CLASS_IDS:
        return False
    names = {number: name for name, number in numbers.items()}
    for name in numbers:
        if len(name.splitlines()) != 1:
            raise ValueError(f'{path}: a line cannot hold the name {name!r}')
    lines = [names.get(i, 'ignore') for i in range(1, max(names, default=0) + 1)]
    with atomic_write(path) as temp:
        temp.write_text(''.join(f'{line}\n' for line in lines), encoding='utf-8')
    return True


def add_labels(folder: str | Path, numbers: dict[str, int]) -> None:
    """Name the classes of a folder in its ``labels.txt``, unless they are KITTI MOTS's.

    Raises:
        ValueError: If the folder names other classes: its files would change theirs.
    """
    path = Path(folder, LABELS_FILE)
    names, before = tuple(numbers), read_labels(path)
    if before and before != names:
        raise ValueError(
            f'{path}: the files there have the classes {", ".join(before)}, these '
            f'{", ".join(names)}; choose another folder'
        )
    if not before:
        write_labels(path, numbers)


def read_labels(path: str | Path) -> tuple[str, ...]:
    """Names in ``labels.txt``, without that of ignore regions; () without a file.

    Raises:
        ValueError: If a line is empty, a name comes twice, line 10 is a class, or it is
            no text.
    """
    path = Path(path)
    if not path.exists():
        return ()
    try:
        names = decode(path.read_bytes(), 'strict').rstrip().splitlines()
    except UnicodeDecodeError:
        raise ValueError(f'{path}: neither UTF-8 nor UTF-16 with its mark') from None
    for name in names[IGNORE_CLASS_ID - 1 : IGNORE_CLASS_ID]:
        if fold(name) != 'ignore':
            raise ValueError(
                f'{path}: line {IGNORE_CLASS_ID} is {name!r}, but in KITTI MOTS that '
                "number means 'ignore'; CVAT's COCO has the names of the classes"
            )
        del names[IGNORE_CLASS_ID - 1]
    for i, name in enumerate(names):
        if not name.strip() or find_name(name, names[:i]) is not None:
            raise ValueError(f'{path}: {name!r} is no name, or comes twice')
    return tuple(names)


def known_classes(labels: Path, text: Path) -> tuple[str, ...]:
    """Classes with numbers where a text file goes, in their order.

    They are those of ``labels.txt``; without it those of KITTI MOTS if there are files
    of other videos, else none.
    """
    others = {p.name for p in text.parent.glob('*.txt')} - {text.name, LABELS_FILE}
    return read_labels(labels) or (tuple(CLASS_IDS) if others else ())


def class_name_of(number: int, labels: Sequence[str]) -> str:
    """The name of a class in text files and pictures, 'ignore' of ignore regions.

    Raises:
        ValueError: If it has none in ``labels``, or, if these are empty, in KITTI MOTS.
    """
    if number == IGNORE_CLASS_ID:
        return 'ignore'
    labels = labels or tuple(CLASS_IDS)
    place = number - 1 - (number > IGNORE_CLASS_ID)
    if not 0 <= place < len(labels):
        raise ValueError(f'class {number} has no name in {", ".join(labels)}')
    return labels[place]


def labels_of(folder: str | Path) -> tuple[str, ...]:
    """:func:`read_labels` of the text files or pictures in a folder.

    ``instances_txt`` and ``instances/NAME`` may have one ``labels.txt`` beside
    ``instances``, as label_masks.py writes it.
    """
    folder = Path(folder)
    names = read_labels(folder / LABELS_FILE)
    if not names and folder.name == 'instances_txt':
        names = read_labels(folder.parent / LABELS_FILE)
    if not names and folder.parent.name == 'instances':
        names = read_labels(folder.parents[1] / LABELS_FILE)
    return names

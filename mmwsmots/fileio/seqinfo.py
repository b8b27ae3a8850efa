# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import configparser
from pathlib import Path
from typing import NamedTuple


class SeqInfo(NamedTuple):
    """What a ``seqinfo.ini`` of MOTChallenge says: frames, numbered from 1 on.

    Attributes:
        length (int): Number of frames.
        size (tuple[int, int]): Height and width of the frames in pixels.
        folder (Path): Of the frames ``FFFFFF`` + ``suffix``.
        suffix (str): End of their names, with its dot.
    """

    length: int
    size: tuple[int, int]
    folder: Path
    suffix: str


def read_seqinfo(path: Path) -> SeqInfo:
    """Read a ``seqinfo.ini``.

    Raises:
        ValueError: If the file breaks the format; the message names it and the field.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding='ascii', errors='replace'))
        section = parser['Sequence']
    except (configparser.Error, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'{path}: no seqinfo.ini with a section [Sequence] ({reason})'
        ) from None
    numbers = []
    for name in ('seqLength', 'imHeight', 'imWidth'):
        value = section.get(name, '')
        if not value.isdecimal() or not 0 < int(value) < 10**6:
            raise ValueError(
                f'{path}: {name} must be a number from 1 to 999999, got "{value[:80]}"'
            )
        numbers.append(int(value))
    length, *size = numbers
    folder = path.parent / section.get('imDir', 'img1')
    return SeqInfo(length, tuple(size), folder, section.get('imExt', '.jpg'))

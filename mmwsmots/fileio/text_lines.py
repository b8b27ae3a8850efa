# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def decode(data: bytes, errors: str = 'replace') -> str:
    """Text in UTF-8, or in UTF-16 with its mark; ``errors`` as of ``bytes.decode``."""
    is_utf16 = data[:2] in (b'\xff\xfe', b'\xfe\xff')
    return data.decode('utf-16' if is_utf16 else 'utf-8-sig', errors)


def text_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Number, from 1, and text of each line that is not empty, without its end.

    A byte order mark and the line ends of any system are no errors.
    """
    text = decode(Path(path).read_bytes())
    for number, line in enumerate(re.split('\r\n|\r|\n', text), 1):
        if line.strip():
            yield number, line


@contextmanager
def named_place(place: str) -> Iterator[None]:
    """Put a file or a place in it, and what separates it, before ValueErrors' words."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f'{place}{error}') from None

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Text, read with names of places in errors, and files, written whole or not at all."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def decode(data: bytes, errors: str = 'replace') -> str:
    """Text in UTF-8, or in UTF-16 with its mark; ``errors`` as of ``bytes.decode``."""
    is_utf16 = data[:2] in (b'\xff\xfe', b'\xfe\xff')
    return data.decode('utf-16' if is_utf16 else 'utf-8-sig', errors)


def text_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Number, from 1, and text of each line that is not empty, of any system."""
    lines = re.split('\r\n|\r|\n', decode(Path(path).read_bytes()))
    yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


@contextmanager
def named_place(place: str) -> Iterator[None]:
    """Put a file or a place in it, and what separates it, before ValueErrors' words."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f'{place}{error}') from None


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Write a file, whose folder is created, so that a reader never sees half of it.

    Yields where to write, with the suffix of ``path``. It becomes ``path`` if the block
    ends well, ValueError if nothing was written; else it is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The process in the name keeps two writers of one file apart.
    temp = path.with_name(f'.{path.stem}.{os.getpid()}.part{path.suffix}')
    try:
        yield temp
        if not temp.exists():
            raise ValueError(f'{path}: nothing was written')
        temp.replace(path)
    finally:
        temp.unlink(missing_ok=True)


def write_json(path: str | Path, content: object) -> None:
    """Write a JSON file by :func:`atomic_write`."""
    with atomic_write(path) as temp:
        temp.write_text(json.dumps(content))


def check_existing(
    finished: Sequence[Path],
    started: Sequence[Path] = (),
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Raise FileExistsError if a run would replace something without being told to.

    ``finished`` are results, the first written last; ``started`` is what a run goes on
    from.
    """
    if overwrite:
        return
    there = [path for path in finished if path.exists()]
    begun = [path for path in started if path.exists()]
    if there and (there[0] == finished[0] or not (resume and begun)):
        raise FileExistsError(f'{there[0]}: exists already; --overwrite replaces it')
    if begun and not resume:
        text = '--resume goes on with it, --overwrite starts anew'
        raise FileExistsError(f'{begun[0]}: left by an interrupted run; {text}')

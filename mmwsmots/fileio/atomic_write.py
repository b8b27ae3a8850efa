# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Write a file so that a reader never sees half of it.

    Args:
        path (str | Path): The file; its folder is created.

    Yields:
        Path: Where to write, with the suffix of ``path``. It becomes ``path`` if the
        block ends well and is removed otherwise.

    Raises:
        ValueError: If the block ends without having written anything.
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

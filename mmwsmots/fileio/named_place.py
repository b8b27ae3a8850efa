# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def named_place(place: str) -> Iterator[None]:
    """Put a file or a place in it, and what separates it, before ValueErrors' words."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f'{place}{error}') from None

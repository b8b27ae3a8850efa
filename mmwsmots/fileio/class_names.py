# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Class names of models and files, compared without case."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence


def fold(name: str) -> str:
    """What is compared of a name: neither case nor outer blanks count."""
    return unicodedata.normalize('NFC', name).strip().casefold()


def check_class_names(classes: object, where: str) -> tuple[str, ...]:
    """The names in a list that a config or a caller gives.

    Raises:
        ValueError: If it is one string, empty, or two names are the same; the message
            says ``where`` it is from.
    """
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        raise ValueError(
            f'{where} must be a list of names, got {classes!r}; of one class: '
            f'({str(classes)!r},)'
        )
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

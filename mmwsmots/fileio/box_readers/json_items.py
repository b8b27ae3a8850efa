# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Values of JSON files, with messages that name the place."""

import json
from pathlib import Path

from .tracked_box import finite_numbers, whole_number


def read_json(path: str | Path) -> object:
    """Read a JSON file.

    Args:
        path (str | Path): The file.

    Returns:
        object: Its content.

    Raises:
        ValueError: If it is no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding='utf-8-sig'))
    except ValueError as error:  # of the decoders too
        raise ValueError(f'{path}: no JSON: {error}') from None
    except RecursionError:
        raise ValueError(f'{path}: no JSON of boxes: nested too deeply') from None


def elements(source: dict, key: str, required: bool = True) -> list[tuple[str, dict]]:
    """The objects of a list with the names of their places."""
    if key not in source and not required:
        return []
    items = get(source, key, list, 'top level')
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f'{key}[{index}]: expected an object')
    return [(f'{key}[{index}]', item) for index, item in enumerate(items)]


def integer(item: dict, key: str, where: str) -> int:
    """An integer of an object."""
    value = get(item, key, (int, float), where)
    try:
        return whole_number(value, key)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from None


def get(item: dict, key: str, kind: type | tuple, where: str) -> object:
    """A value of an object, of a certain type."""
    if key not in item:
        raise ValueError(f'{where}: {key} is missing')
    value = item[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f'{where}: {key} is {str(value)[:80]!r}')
    return value


def size_of(item: dict, where: str) -> tuple[int, int] | None:
    """Height and width of an object; None if it does not say both."""
    if not item.get('height') or not item.get('width'):
        return None
    return integer(item, 'height', where), integer(item, 'width', where)


def xywh(values: object, where: str) -> tuple[float, float, float, float]:
    """Corners x1, y1, x2, y2 of a box that is given as x, y, w, h."""
    if not isinstance(values, list) or len(values) != 4:
        raise ValueError(f'{where}: expected 4 numbers, got {str(values)[:80]!r}')
    try:
        x, y, w, h = finite_numbers(values, [f'number {i}' for i in range(1, 5)])
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from None
    return x, y, x + w, y + h

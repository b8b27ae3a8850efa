# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Values of JSON files, with messages that name the place."""

import json
from pathlib import Path

from .tracked_box import finite_numbers, whole_number


def parse_json(data: bytes, path: str | Path) -> object:
    """Content of a JSON file; ValueError if it is none, or nested too deeply."""
    try:
        return json.loads(data)  # UTF-8 or UTF-16, with a mark or without
    except ValueError as error:  # of the decoders too
        raise ValueError(f'{path}: no JSON: {error}') from None
    except RecursionError:
        raise ValueError(f'{path}: no JSON of boxes: nested too deeply') from None


def read_json(path: str | Path) -> object:
    """See :func:`parse_json`."""
    return parse_json(Path(path).read_bytes(), path)


def elements(source: object, key: str, required: bool = True) -> list[tuple[str, dict]]:
    """The objects of a list in an object, with the names of their places."""
    if not isinstance(source, dict):
        raise ValueError('top level: expected an object')
    if key not in source and not required:
        return []
    if not isinstance(source.get(key), list):
        raise ValueError(f'top level: there is no list "{key}"')
    return objects(source[key], key)


def objects(items: list, where: str) -> list[tuple[str, dict]]:
    """The objects of a list, with the names of their places."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f'{where}[{index}]: expected an object')
    return [(f'{where}[{index}]', item) for index, item in enumerate(items)]


def integer(item: dict, key: str, where: str) -> int:
    """An integer of an object."""
    return whole_number(get(item, key, (int, float), where), f'{where}: {key}')


def get(item: dict, key: str, kind: type | tuple, where: str) -> object:
    """A value of an object, of a certain type."""
    if item.get(key) is None:
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
    x, y, w, h = finite_numbers(values, [f'{where}: number {i}' for i in range(1, 5)])
    return x, y, x + w, y + h

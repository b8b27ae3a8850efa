# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Numbers, identities and items of files, with messages that name the place."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

MAX_NUMBER = 10**9  # of a frame or an identity: it fits into 32 bits
IDENTITY_NAMES = ('track_id', 'instance_id')


def finite_numbers(values: Sequence, names: Sequence[str]) -> list[float]:
    """Convert text or numbers of a file; ValueError names what is no finite number."""
    numbers = []
    for value, name in zip(values, names):
        if value is None:
            raise ValueError(f'{name} is missing')
        try:
            # Python reads True as 1 and '1_0' as 10
            is_other = isinstance(value, bool) or '_' in str(value)
            numbers.append(float('' if is_other else value))
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f'{name} is no number: {str(value)[:80]!r}') from None
        if not math.isfinite(numbers[-1]):
            raise ValueError(f'{name} is {numbers[-1]}')
    return numbers


def read_integer(value: object, name: str, minimum: int = -MAX_NUMBER) -> int:
    """An integer of at most nine digits, number or text, maybe written as '7.0'."""
    (number,) = finite_numbers([value], [name])
    if number != int(number):
        raise ValueError(f'{name} is no integer: {number:g}')
    if abs(number) >= MAX_NUMBER:
        raise ValueError(f'{name} has more than 9 digits: {number:.0f}')
    if number < minimum:
        raise ValueError(f'{name} is {number:.0f}')
    return int(number)


def identity_key(value: object, where: str) -> int | str | None:
    """A whole number of at most nine digits, also of '7' or 7.0; else text.

    None for nothing, '' and -1. ValueError if it is negative, not finite or no value.
    """
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if not is_finite or isinstance(value, (list, dict)):
        raise ValueError(f'{where}: {str(value)[:80]} is no identity')
    text = '' if value is None else str(value).strip()
    if not re.fullmatch(r'[+-]?[0-9]{1,9}(\.0*)?', text):
        return text or None
    number = int(text.partition('.')[0])
    if number < -1:
        raise ValueError(f'{where}: {number} is no identity')
    return None if number == -1 else number


def identity_of(item: Mapping, where: str) -> int | str | None:
    """The :func:`identity_key` of an annotation, in it or its ``attributes``."""
    attributes = item.get('attributes')
    for source in (item, attributes if isinstance(attributes, Mapping) else {}):
        for name in IDENTITY_NAMES:
            if source.get(name) not in (None, -1, ''):
                return identity_key(source[name], f'{where}: {name}')
    return None


def read_json(path: str | Path, data: bytes | None = None) -> object:
    """Content of a JSON file; ValueError if it is none, or nested too deeply."""
    try:
        # UTF-8 or UTF-16, with a mark or without
        return json.loads(Path(path).read_bytes() if data is None else data)
    except ValueError as error:  # of the decoders too
        raise ValueError(f'{path}: no JSON: {error}') from None
    except RecursionError:
        raise ValueError(f'{path}: no JSON of boxes: nested too deeply') from None


def elements(source: object, key: str, required: bool = True) -> list[tuple[str, dict]]:
    """The :func:`objects` of a list at the top of a file."""
    if not isinstance(source, dict):
        raise ValueError('top level: expected an object')
    items = source.get(key, None if required else [])
    if not isinstance(items, list):
        raise ValueError(f'top level: there is no list "{key}"')
    return objects(items, key)


def objects(items: list, where: str) -> list[tuple[str, dict]]:
    """The objects of a list, with the names of their places."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f'{where}[{index}]: expected an object')
    return [(f'{where}[{index}]', item) for index, item in enumerate(items)]


def get(item: dict, key: str, kind: type | tuple, where: str) -> object:
    value = item.get(key)
    if value is None:
        raise ValueError(f'{where}: {key} is missing')
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f'{where}: {key} is {str(value)[:80]!r}')
    return value


def integer(item: dict, key: str, where: str, minimum: int = -MAX_NUMBER) -> int:
    value = get(item, key, (int, float), where)
    return read_integer(value, f'{where}: {key}', minimum)


def flag(item: dict, key: str, where: str, default: bool = False) -> bool:
    """A truth value of an object, true, false, 1 or 0."""
    value = item.get(key)
    if value not in (None, 0, 1):  # the text '0' would be true
        raise ValueError(f'{where}: {key} is {str(value)[:80]!r}, not 0 or 1')
    return default if value is None else bool(value)


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

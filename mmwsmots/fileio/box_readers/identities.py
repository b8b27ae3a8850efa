# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What tells the objects of a file from each other: numbers, or names of any kind."""

import math
import re
from collections.abc import Iterable, Mapping

IDENTITY_NAMES = ('track_id', 'instance_id')
ABSENT = (None, -1, '')
WHOLE = re.compile(r'[+-]?[0-9]{1,9}(\.0*)?')


def identity_key(value: object, where: str) -> int | str | None:
    """An identity as a file has it, number, text or truth value.

    Args:
        value (object): The identity.
        where (str): Its place, for messages.

    Returns:
        int | str | None: A whole number of at most nine digits, also if it was written
        as '7' or 7.0; anything else as text; None for nothing, '' and -1.

    Raises:
        ValueError: If it is negative, not finite, a list or an object.
    """
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if not is_finite or isinstance(value, (list, dict)):
        raise ValueError(f'{where}: {str(value)[:80]} is no identity')
    text = '' if value is None else str(value).strip()
    if not WHOLE.fullmatch(text):
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
            if source.get(name) not in ABSENT:
                return identity_key(source[name], f'{where}: {name}')
    return None


def number_identities(
    keys: Iterable[int | str | None], notices: list[str]
) -> dict[int | str | None, int]:
    """Number the identities of a video.

    Args:
        keys (Iterable[int | str | None]): Of its annotations, by :func:`identity_key`.
        notices (list[str]): Gets one if there are names.

    Returns:
        dict[int | str | None, int]: Numbers stay, names have those behind them in the
        order of the file, None has -1.
    """
    keys = dict.fromkeys(keys)
    numbers = {key: key for key in keys if isinstance(key, int)}
    names = [key for key in keys if isinstance(key, str)]
    numbers |= {name: n for n, name in enumerate(names, max(numbers, default=0) + 1)}
    if names:
        some = ', '.join(f'{name[:40]} is {numbers[name]}' for name in names[:3])
        more = f', and so on up to {numbers[names[-1]]}' if len(names) > 3 else ''
        notices.append(f'identities that are names were numbered: {some}{more}')
    return numbers | {None: -1}

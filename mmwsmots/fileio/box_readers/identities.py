# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Mapping

from .tracked_box import finite_numbers, whole_number

IDENTITY_NAMES = ('track_id', 'instance_id')


def identity_of(item: Mapping, where: str) -> int:
    """The identity of an annotation of a JSON file.

    Args:
        item (Mapping): The annotation: ``track_id``, or else ``instance_id``, in it or
            in its ``attributes``.
        where (str): Its place, for the message.

    Returns:
        int: The identity; -1 if it has none.

    Raises:
        ValueError: If it is no whole number.
    """
    attributes = item.get('attributes')
    for source in (item, attributes if isinstance(attributes, Mapping) else {}):
        for name in IDENTITY_NAMES:
            if source.get(name) is not None:
                return identity_number(source[name], f'{where}: {name}')
    return -1


def identity_number(value: object, what: str) -> int:
    """An identity that a file may have written as '7.0'.

    Args:
        value (object): Number or text.
        what (str): What it is, for the message.

    Returns:
        int: The same.

    Raises:
        ValueError: If it is no whole number.
    """
    (number,) = finite_numbers([value], [what])
    return whole_number(number, what)

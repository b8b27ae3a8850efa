# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
from collections.abc import Sequence
from typing import NamedTuple

MAX_NUMBER = 10**9  # of a frame or an identity: it fits into 32 bits


class TrackedBox(NamedTuple):
    """A box with an identity, as a file of boxes has it.

    Attributes:
        frame_id (int): Number of the frame in its video, from 0.
        track_id (int): Identity, constant over the video; -1 if there is none.
        class_name (str): Class, in the file's words.
        bbox (tuple[float, float, float, float]): x1, y1, x2, y2 in pixels, finite.
            It may reach out of the frame or be empty.
        is_ignored (bool): Whether it marks a region of unknown content; then class
            and identity mean nothing.
        where (str): Its place in the file, for messages, e.g. 'line 7'.
        score (float): How sure a detector is of it. Defaults to 1.
    """

    frame_id: int
    track_id: int
    class_name: str
    bbox: tuple[float, float, float, float]
    is_ignored: bool
    where: str
    score: float = 1.0

    def clipped(self, height: int, width: int) -> list[float] | None:
        """The part within a frame, x1, y1, x2, y2; None if nothing is left."""
        x1, y1, x2, y2 = self.bbox
        x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        return [x1, y1, x2, y2] if x1 < x2 and y1 < y2 else None

    def outside_text(self, height: int, width: int) -> str:
        """What is wrong with a box of which nothing lies within the frame."""
        x1, y1, x2, y2 = self.bbox
        return (
            f'the box x {x1:g}, y {y1:g}, w {x2 - x1:g}, h {y2 - y1:g} has no pixel in '
            f'the {width} x {height} frame'
        )


def whole_number(value: float, name: str) -> int:
    """An integer of at most nine digits that a file may have written as '7.0'."""
    if not math.isfinite(value) or value != int(value):
        raise ValueError(f'{name} is no integer: {value:g}')
    if abs(value) >= MAX_NUMBER:
        raise ValueError(f'{name} has more than 9 digits: {value:.0f}')
    return int(value)


def read_integer(value: object, name: str) -> int:
    """An integer of a file, number or text; see :func:`whole_number`."""
    return whole_number(*finite_numbers([value], [name]), name)


def finite_numbers(values: Sequence, names: Sequence[str]) -> list[float]:
    """Convert text or numbers of a file; ValueError names what is no finite number."""
    numbers = []
    for value, name in zip(values, names):
        if value is None:
            raise ValueError(f'{name} is missing')
        try:
            # Python reads True as 1 and '1_0' as 10
            if isinstance(value, bool) or '_' in str(value):
                raise ValueError
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f'{name} is no number: {str(value)[:80]!r}') from None
        if not math.isfinite(number):
            raise ValueError(f'{name} is {number}')
        numbers.append(number)
    return numbers

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .box_file import Numbering

OVERRIDE = '--first-frame N takes the frames in order, N being the number of the first'


def match_numbers(
    rule: Numbering, used: Sequence[int], numbers: Sequence[int] | None, num_frames: int
) -> tuple[dict[int, int], bool]:
    """Find the frames that a file's numbers mean.

    ``used`` are the numbers of frames with boxes, ascending; ``numbers`` those in the
    names of a folder's pictures, see :func:`picture_numbers`, None for a video;
    ``num_frames`` is a video's as its header states it.

    Returns:
        tuple[dict[int, int], bool]: Place of each number in the video, from 0; one
        behind the last frame stays one, and numbers without a picture are left out.
        Whether names decided, not the order.

    Raises:
        ValueError: If numbers and frames do not fit, or fit in two ways.
    """
    by_order = {number: number - rule.first for number in used}
    if rule.is_given:
        step = 1 if rule.declared is None else rule.declared.step
        return {number: place // step for number, place in by_order.items()}, False
    by_name = {}
    if numbers is not None:
        places = {number: place for place, number in enumerate(numbers)}
        by_name = {number: places[number] for number in used if number in places}
    if rule.declared is not None:
        return _match_declared(rule, used, numbers, num_frames, by_order, by_name)
    names_fit = len(by_name) == len(used)
    order_fits = all(0 <= place < num_frames for place in by_order.values())
    if not order_fits and not names_fit and num_frames:
        _check_shift(rule.first, used, num_frames)
    if numbers is None or by_name == by_order:
        return by_order, False
    if numbers[0] in (0, 1) and numbers[-1] - numbers[0] == num_frames - 1:
        # Pictures numbered without a gap are counted; whether from 0 or from 1 says
        # nothing of the file.
        is_by_name = names_fit and not order_fits
        return (by_name, True) if is_by_name else (by_order, False)
    if names_fit and order_fits and not rule.names_are_numbers:
        raise ValueError(
            f'its frame {used[0]} may be the picture of that number or picture '
            f'{by_order[used[0]] + 1} in order; {OVERRIDE}'
        )
    covers = used[0] <= numbers[0] and numbers[-1] <= used[-1]
    if names_fit or (by_name and (covers or rule.names_are_numbers)):
        return by_name, True
    if order_fits:
        return by_order, False
    raise ValueError(
        f'its frames are {ranges(used)}, the pictures {ranges(numbers)}: they do not '
        f'fit; {OVERRIDE}'
    )


def _check_shift(first: int, used: Sequence[int], num_frames: int) -> None:
    """Raise if counting from one number later or earlier would fit all frames."""
    for other in (first + 1, first - 1):
        if all(0 <= number - other < num_frames for number in used):
            raise ValueError(
                f'its frames are {ranges(used)}, of {num_frames} that count from '
                f'{first}; --first-frame {other} counts them from {other}'
            )


def _match_declared(
    rule: Numbering,
    used: Sequence[int],
    numbers: Sequence[int] | None,
    num_frames: int,
    by_order: dict[int, int],
    by_name: dict[int, int],
) -> tuple[dict[int, int], bool]:
    """Find the frames of a file that says which it had."""
    declared = rule.declared
    stray = [number for number in used if number not in declared]
    if stray:
        raise ValueError(
            f'frame {stray[0]} has boxes, but its frames are {ranges(declared)}'
        )
    slack = 0
    if numbers is None:
        # The header of a video may count wrongly, or not at all.
        slack = max(1, num_frames // 100) if num_frames else declared[-1] + 1
    elif len(by_name) == len(used):
        has_gaps = numbers[-1] - numbers[0] != num_frames - 1
        has_all = len(declared) <= len(numbers) and set(declared) <= set(numbers)
        if has_all or (has_gaps and all(n in declared for n in numbers)):
            return by_name, True
    if abs(len(declared) - num_frames) <= slack:
        return {number: declared.index(number) for number in used}, False
    is_plain = declared[0] == rule.first and declared.step == 1
    last = declared[-1] - rule.first
    if last < num_frames + slack and (numbers is None or is_plain):
        return by_order, False
    raise ValueError(
        f'it was made for {len(declared)} frames, {ranges(declared)}; here are '
        f'{num_frames}'
        + ('' if numbers is None else f', numbered {ranges(numbers)}')
        + f'; {OVERRIDE}'
    )


def picture_numbers(files: Iterable[Path]) -> list[int] | None:
    """The last number of each name; None if one has none, or they do not ascend."""
    numbers = []
    for file in files:
        groups = re.findall('[0-9]+', file.stem)
        if not groups:
            return None
        numbers.append(int(groups[-1]))
    ascends = all(a < b for a, b in itertools.pairwise(numbers))
    return numbers if ascends else None


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as text, e.g. '2, 7 to 9'."""
    if isinstance(numbers, range):
        step = f' in steps of {numbers.step}' if numbers.step > 1 else ''
        return f'{numbers[0]} to {numbers[-1]}{step}'
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [f'{a}' if a == b else f'{a} to {b}' for a, b in runs]
    return ', '.join(texts if len(texts) <= 4 else [*texts[:2], '...', texts[-1]])

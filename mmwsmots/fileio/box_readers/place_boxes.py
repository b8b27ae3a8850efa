# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The frames of a video or folder that the names or numbers of a file mean."""

import dataclasses
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mmwsmots.fileio.files import named_place
from mmwsmots.fileio.frame_reader import FrameReader

from .box_file import BoxFile, Numbering, Picture

PATHS = re.compile(r'[\\/]+')  # files of Windows come to other systems
OVERRIDE = '--first-frame N takes the frames in order, N being the number of the first'


def place_boxes(file: BoxFile, frames: FrameReader, size: tuple[int, int]) -> BoxFile:
    """Find the frame of each box in a video or a folder of pictures.

    Names of pictures decide where the file has them, else its numbers of frames, see
    :func:`match_numbers`; notices say what was assumed. ``size`` is (H, W) of the
    frames in pixels. In the result, ``frame_id`` counts from 0 in ``frames``, even
    behind the last one, and boxes are in pixels; those on pictures that are not there
    are left out. ValueError if names, numbers or sizes contradict the frames, or no box
    lies on one.
    """
    used = sorted({box.frame_id for box in file.boxes})
    notices = [*file.notices]
    with named_place(f'{file.path}, '):
        places = _find(file, used, frames, notices) if used else {}
        sizes = [(file.size_where, file.size)]
        sizes += [(p.where, p.size) for n, p in file.pictures.items() if n in places]
        hint = ''
        if len({declared for _, declared in sizes} - {None}) > 1:
            hint = '; pictures of several sizes: tools/label_dataset.py labels them'
        for where, declared in sizes:
            if declared is not None and declared != tuple(size):
                text = f'{where}: annotated at {declared[1]} x {declared[0]}'
                raise ValueError(f'{text}, the frames are {size[1]} x {size[0]}{hint}')
    lost = [box for box in file.boxes if box.frame_id not in places]
    if lost:
        text = f'{len(lost)} boxes are left out, the first of {lost[0].where}'
        number = _name(file, lost[0].frame_id)
        notices.append(f'{text} on frame {number}: {_describe(frames)}')
    height, width = size
    scale = (width / 100, height / 100) * 2 if file.is_relative else (1, 1, 1, 1)
    boxes = []
    for box in file.boxes:
        if box.frame_id in places:
            bbox = tuple(value * factor for value, factor in zip(box.bbox, scale))
            boxes.append(box._replace(frame_id=places[box.frame_id], bbox=bbox))
    return dataclasses.replace(file, boxes=boxes, notices=notices, is_relative=False)


def _find(
    file: BoxFile, used: list[int], frames: FrameReader, notices: list[str]
) -> dict[int, int]:
    """Place of each number of a frame; how it was found becomes a notice."""
    rule, files = file.numbering, frames.files
    if file.pictures and not rule.is_given:
        if files is not None:
            places, what = match_names(file.pictures, files)
        else:
            places, what = match_video(file.pictures, len(frames))
    else:
        names = [path.name for path in files or ()]
        for ours, theirs in zip(names, sorted(names)):
            if ours != theirs and rule.sorted_by_text and not rule.is_given:
                order = f'{theirs} before {ours}, here they count'
                text = f'it numbers pictures by their names as text, {order}; export as'
                raise ValueError(f'{text} "CVAT for images 1.1", which has the names')
        numbers = None if files is None else picture_numbers(files)
        places, is_by_name = match_numbers(rule, used, numbers, len(frames))
        what = 'numbers' if is_by_name else 'order'
    found = [number for number in used if 0 <= places.get(number, -1) < len(frames)]
    if not found:
        span = f'{_name(file, used[0])} to {_name(file, used[-1])}'
        raise ValueError(f'its boxes are on frames {span}, {_describe(frames)}')
    place = places[found[0]]
    target = files[place].name if files else f'frame {place} of the video (from 0)'
    if what == 'order' and not rule.is_given:
        what += '; --first-frame N says that the first one is frame N of the file'
    name = f'frame {_name(file, found[0])} of {file.path.name}'
    notices.append(f'{name} is {target}, found by {what}')
    return places


def _name(file: BoxFile, number: int) -> str:
    return file.pictures[number].name if file.pictures else str(number)


def _describe(frames: FrameReader) -> str:
    if frames.files is None:
        return f'the video has {len(frames)} frames'
    first, last = frames.files[0].name, frames.files[-1].name
    return f'the folder has {len(frames)} pictures, {first} to {last}'


def match_names(
    pictures: Mapping[int, Picture], files: list[Path]
) -> tuple[dict[int, int], str]:
    """Find the pictures that a file names in a folder.

    Names are compared with their folders, then without, then without suffix, then by
    their last number (CVAT makes ``frame_000003.PNG`` of ``000003.jpg``) if all are
    there. Returns the place of each frame that is there, and what was compared:
    'paths', 'names', 'stems' or 'numbers'. ValueError if no name fits, two frames have
    one picture, or the orders differ.
    """
    own = [_path(str(file)) for file in files]
    named = {number: _path(picture.name) for number, picture in pictures.items()}

    def match(key: Callable[[PurePosixPath], object]) -> dict[int, int]:
        places = {key(path): place for place, path in enumerate(own)}
        keys = {number: key(path) for number, path in named.items()}
        return {number: places[k] for number, k in keys.items() if k in places}

    # By the last folder and the name first, then by all that the file says.
    paths = {
        number: place
        for number, place in match(lambda path: path.parts[-2:]).items()
        if own[place].parts[-len(named[number].parts) :] == named[number].parts
    }
    found = dict(paths=paths, names=match(lambda path: path.name))
    found |= dict(stems=match(lambda path: path.stem), numbers={})
    ours, theirs = picture_numbers(own), picture_numbers(named.values())
    if ours is not None and theirs is not None and set(theirs) <= set(ours):
        place_of = {number: place for place, number in enumerate(ours)}
        found['numbers'] = {n: place_of[last] for n, last in zip(pictures, theirs)}
    what = next((what for what, places in found.items() if places), None)
    if what is None:
        some, span = (
            next(iter(pictures.values())),
            f'{files[0].name} to {files[-1].name}',
        )
        text = f'{some.where}: its picture is {some.name}, the folder has {span}'
        raise ValueError(f'{text} and none of the names')
    places = found[what]
    place, count = Counter(places.values()).most_common(1)[0]
    if count > 1:
        first, second = [pictures[n].where for n in places if places[n] == place][:2]
        raise ValueError(f'{first} and {second} are both {files[place].name}')
    numbered = [n for n in places if pictures[n].number is not None]
    numbered.sort(key=lambda n: pictures[n].number)
    for before, after in itertools.pairwise(numbered):
        if places[before] > places[after]:
            first, second = pictures[before], pictures[after]
            text = f'{second.where}: frame {second.number} is {second.name}, but frame'
            text += f' {first.number} is {first.name}'
            raise ValueError(f'{text}: numbers and names are in different orders')
    return places, what


def match_video(
    pictures: Mapping[int, Picture], num_frames: int
) -> tuple[dict[int, int], str]:
    """Find the frames of a video, of 0: unknown length, of which a file names pictures.

    Returns the frame of each picture and how it was found: 'order', 'frame ids' or
    'numbers' in names. ValueError if these contradict each other or are missing.
    """
    named = picture_numbers(_path(picture.name) for picture in pictures.values())
    given = [picture.number for picture in pictures.values()]
    is_unknown = num_frames == 0 and named is None and set(given) == {None}
    if len(pictures) == num_frames or is_unknown:
        return {n: place for place, n in enumerate(pictures)}, 'order'
    if None not in given:
        offsets = set() if named is None else {n - f for n, f in zip(named, given)}
        if offsets == {-1}:
            return dict(zip(pictures, named)), 'numbers'
        if offsets <= {0} or offsets <= {1}:
            return dict(zip(pictures, given)), 'frame ids'
    elif named is not None:
        return dict(zip(pictures, named)), 'numbers'
    some, count = next(iter(pictures.values())), f'{len(pictures)} pictures of a video'
    text = f'{some.where}: frame {some.number} is {some.name}, and the file has {count}'
    raise ValueError(f'{text} of {num_frames or "?"} frames: which is which?')


def match_numbers(
    rule: Numbering, used: Sequence[int], numbers: Sequence[int] | None, num_frames: int
) -> tuple[dict[int, int], bool]:
    """Find the frames that a file's numbers mean.

    ``used`` are numbers with boxes, ascending; ``numbers`` those of a folder's
    pictures, see :func:`picture_numbers`, None for a video; ``num_frames`` is as its
    header says. Returns the place of each number in the video, from 0, even behind the
    last frame, without those that have no picture; and whether names decided.
    ValueError if numbers and frames do not fit, or fit in two ways.
    """
    by_order = {number: number - rule.first for number in used}
    if rule.is_given:
        step = 1 if rule.declared is None else rule.declared.step
        return {number: place // step for number, place in by_order.items()}, False
    places = {number: place for place, number in enumerate(numbers or ())}
    by_name = {number: places[number] for number in used if number in places}
    names_fit, declared = len(by_name) == len(used), rule.declared
    if declared is not None:  # the file says which frames it had
        stray = [number for number in used if number not in declared]
        if stray:
            text = f'frame {stray[0]} has boxes, but its frames are {ranges(declared)}'
            raise ValueError(text)
        slack, here = 0, f'; here are {num_frames}'
        if numbers is None:
            # The header of a video may count wrongly, or not at all.
            slack = max(1, num_frames // 100) if num_frames else declared[-1] + 1
        else:
            here += f', numbered {ranges(numbers)}'
            has_gaps = numbers[-1] - numbers[0] != num_frames - 1
            has_all = len(declared) <= len(numbers) and set(declared) <= set(numbers)
            is_part = has_gaps and all(number in declared for number in numbers)
            if names_fit and (has_all or is_part):
                return by_name, True
        if abs(len(declared) - num_frames) <= slack:
            return {number: declared.index(number) for number in used}, False
        is_plain = declared[0] == rule.first and declared.step == 1
        last = declared[-1] - rule.first
        if last < num_frames + slack and (numbers is None or is_plain):
            return by_order, False
        what = f'it was made for {len(declared)} frames, {ranges(declared)}'
        raise ValueError(f'{what}{here}; {OVERRIDE}')
    order_fits = all(0 <= place < num_frames for place in by_order.values())
    # Would counting from one number later or earlier fit all frames?
    for first in (rule.first + 1, rule.first - 1):
        if order_fits or names_fit or not num_frames:
            break
        if all(0 <= number - first < num_frames for number in used):
            advice = f'--first-frame {first} counts them from {first}'
            text = f'its frames are {ranges(used)}, of {num_frames} that count from'
            raise ValueError(f'{text} {rule.first}; {advice}')
    if numbers is None or by_name == by_order:
        return by_order, False
    if numbers[0] in (0, 1) and numbers[-1] - numbers[0] == num_frames - 1:
        # They are just counted; whether from 0 or from 1 says nothing of the file.
        is_by_name = names_fit and not order_fits
        return (by_name, True) if is_by_name else (by_order, False)
    if names_fit and order_fits and not rule.names_are_numbers:
        text = f'its frame {used[0]} may be the picture of that number or picture'
        raise ValueError(f'{text} {by_order[used[0]] + 1} in order; {OVERRIDE}')
    covers = used[0] <= numbers[0] and numbers[-1] <= used[-1]
    if names_fit or (by_name and (covers or rule.names_are_numbers)):
        return by_name, True
    if order_fits:
        return by_order, False
    text = f'the pictures {ranges(numbers)}: they do not fit; {OVERRIDE}'
    raise ValueError(f'its frames are {ranges(used)}, {text}')


def picture_numbers(files: Iterable[Path | PurePosixPath]) -> list[int] | None:
    """The last number of each name; None if one has none, or they do not ascend."""
    groups = [re.findall('[0-9]+', file.stem) for file in files]
    if not all(groups):
        return None
    numbers = [int(group[-1]) for group in groups]
    ascends = all(a < b for a, b in itertools.pairwise(numbers))
    return numbers if ascends else None


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as text, e.g. '2, 7 to 9'."""
    if isinstance(numbers, range):
        step = f' in steps of {numbers.step}' if numbers.step > 1 else ''
        return f'{numbers[0]} to {numbers[-1]}{step}'
    texts = []
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in run]
        texts.append(f'{run[0]}' if len(run) == 1 else f'{run[0]} to {run[-1]}')
    return ', '.join(texts if len(texts) <= 4 else [*texts[:2], '...', texts[-1]])


def _path(name: str) -> PurePosixPath:
    # macOS writes an accent as a sign of its own, other systems do not.
    return PurePosixPath(PATHS.sub('/', unicodedata.normalize('NFC', name)))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import dataclasses
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path, PurePosixPath

from mmwsmots.fileio.frame_reader import FrameReader
from mmwsmots.fileio.text_lines import named_place

from .box_file import BoxFile, Picture
from .match_numbers import match_numbers, picture_numbers

PATHS = re.compile(r'[\\/]+')  # files of Windows come to other systems


def place_boxes(file: BoxFile, frames: FrameReader, size: tuple[int, int]) -> BoxFile:
    """Find the frame of each box in a video or a folder of pictures.

    Names of pictures decide where the file has them; then its numbers of frames, see
    :func:`match_numbers`. What was assumed becomes a notice. ``size`` is the height and
    width of the frames in pixels.

    Returns:
        BoxFile: The same with ``frame_id`` counted from 0 in ``frames``, and boxes in
        pixels. A number behind the last frame stays one. Boxes on pictures that the
        folder lacks are left out, with a notice.

    Raises:
        ValueError: If the file contradicts the frames, by names, numbers or sizes, or
            none of its boxes lies on one of them; the message names both sides.
    """
    used = sorted({box.frame_id for box in file.boxes})
    with named_place(f'{file.path}, '):
        places, notice = _find(file, used, frames)
        _check_sizes(file, places, size)
    notices = [*file.notices, *([notice] if notice else [])]
    lost = [box for box in file.boxes if box.frame_id not in places]
    if lost:
        notices.append(
            f'{len(lost)} boxes are left out, the first of {lost[0].where} on frame '
            f'{_name(file, lost[0].frame_id)}: {_describe(frames)}'
        )
    height, width = size
    scale = (width / 100, height / 100) * 2 if file.is_relative else (1, 1, 1, 1)
    boxes = [
        box._replace(
            frame_id=places[box.frame_id],
            bbox=tuple(value * factor for value, factor in zip(box.bbox, scale)),
        )
        for box in file.boxes
        if box.frame_id in places
    ]
    return dataclasses.replace(file, boxes=boxes, notices=notices, is_relative=False)


def _find(
    file: BoxFile, used: list[int], frames: FrameReader
) -> tuple[dict[int, int], str]:
    """Place of each number of a frame, and how it was found."""
    rule = file.numbering
    if not used:
        return {}, ''
    if file.pictures and not rule.is_given:
        if frames.files is not None:
            places, what = match_names(file.pictures, frames.files)
        else:
            places, what = match_video(file.pictures, len(frames))
    else:
        _check_text_order(file, frames)
        numbers = None if frames.files is None else picture_numbers(frames.files)
        places, is_by_name = match_numbers(rule, used, numbers, len(frames))
        what = 'numbers' if is_by_name else 'order'
    found = [number for number in used if 0 <= places.get(number, -1) < len(frames)]
    if not found:
        raise ValueError(
            f'its boxes are on frames {_name(file, used[0])} to '
            f'{_name(file, used[-1])}, {_describe(frames)}'
        )
    place = places[found[0]]
    target = f'frame {place} of the video (from 0)'
    if frames.files is not None:
        target = frames.files[place].name
    notice = f'frame {_name(file, found[0])} of {file.path.name} is {target}, found by '
    if what == 'order' and not rule.is_given:
        what += '; --first-frame N says that the first one is frame N of the file'
    return places, notice + what


def _check_text_order(file: BoxFile, frames: FrameReader) -> None:
    """Raise if the file's order of the pictures is another one."""
    if frames.files is None or not file.numbering.sorted_by_text:
        return
    names = [path.name for path in frames.files]
    for ours, theirs in zip(names, sorted(names)):
        if ours != theirs and not file.numbering.is_given:
            raise ValueError(
                f'it numbers pictures by their names as text, {theirs} before {ours}, '
                'here they count; export as "CVAT for images 1.1", which has the names'
            )


def _check_sizes(file: BoxFile, places: Mapping[int, int], size: tuple) -> None:
    """Raise if the file was made for frames of another size."""
    sizes = [(file.size_where, file.size)]
    sizes += [(p.where, p.size) for n, p in file.pictures.items() if n in places]
    hint = ''
    if len({declared for _, declared in sizes} - {None}) > 1:
        hint = '; pictures of several sizes: tools/label_dataset.py labels them'
    for where, declared in sizes:
        if declared is not None and declared != tuple(size):
            raise ValueError(
                f'{where}: annotated at {declared[1]} x {declared[0]}, the frames are '
                f'{size[1]} x {size[0]}{hint}'
            )


def _name(file: BoxFile, number: int) -> str:
    """A frame in the file's words."""
    return file.pictures[number].name if file.pictures else str(number)


def _describe(frames: FrameReader) -> str:
    """What there is, as the end of a sentence."""
    if frames.files is None:
        return f'the video has {len(frames)} frames'
    return (
        f'the folder has {len(frames)} pictures, {frames.files[0].name} to '
        f'{frames.files[-1].name}'
    )


def match_names(
    pictures: Mapping[int, Picture], files: list[Path]
) -> tuple[dict[int, int], str]:
    """Find the pictures that a file names in a folder.

    Names are compared with their folders, then without, then without suffix; where
    this finds nothing, as of ``frame_000003.PNG`` that CVAT made of ``000003.jpg``,
    the last number of each name is, and then all pictures of the file must be there.

    Returns:
        tuple[dict[int, int], str]: Place in the folder of each frame that is there;
        what was compared: 'paths', 'names', 'stems' or 'numbers'.

    Raises:
        ValueError: If no name fits, two frames have one picture, or the frames come
            in another order than the pictures.
    """
    own = [_path(str(file)) for file in files]
    for what, match in (
        ('paths', _match_paths),
        ('names', partial(_match, key=attrgetter('name'))),
        ('stems', partial(_match, key=attrgetter('stem'))),
        ('numbers', _match_last_numbers),
    ):
        if places := match(pictures, own):
            _check(pictures, files, places)
            return places, what
    some = next(iter(pictures.values()))
    raise ValueError(
        f'{some.where}: its picture is {some.name}, the folder has {files[0].name} to '
        f'{files[-1].name} and none of the names'
    )


def match_video(
    pictures: Mapping[int, Picture], num_frames: int
) -> tuple[dict[int, int], str]:
    """Find the frames of a video, of 0: unknown length, of which a file names pictures.

    Returns:
        tuple[dict[int, int], str]: Frame of the video of each picture; how it was
        found: 'order', 'frame ids' or 'numbers' in the names.

    Raises:
        ValueError: If the numbers of frames and those in the names contradict each
            other, or there are neither.
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
    some = next(iter(pictures.values()))
    raise ValueError(
        f'{some.where}: frame {some.number} is {some.name}, and the file has '
        f'{len(pictures)} pictures of a video of {num_frames or "?"} frames: which is '
        'which?'
    )


def _match_paths(
    pictures: Mapping[int, Picture], files: list[PurePosixPath]
) -> dict[int, int]:
    """Places of the pictures whose names with folders end the paths of files."""
    tails = {file.parts[-2:]: place for place, file in enumerate(files)}
    found = {}
    for number, picture in pictures.items():
        parts = _path(picture.name).parts
        place = tails.get(parts[-2:]) if len(parts) > 1 else None
        if place is not None and files[place].parts[-len(parts) :] == parts:
            found[number] = place
    return found


def _match(
    pictures: Mapping[int, Picture], files: list[PurePosixPath], key: Callable
) -> dict[int, int]:
    """Places of the pictures of which the keys are those of files."""
    places = {key(file): place for place, file in enumerate(files)}
    keys = {number: key(_path(picture.name)) for number, picture in pictures.items()}
    return {number: places[k] for number, k in keys.items() if k in places}


def _match_last_numbers(
    pictures: Mapping[int, Picture], files: list[PurePosixPath]
) -> dict[int, int]:
    """Places by the last numbers of the names, if all pictures are there."""
    theirs = picture_numbers(_path(picture.name) for picture in pictures.values())
    ours = picture_numbers(files)
    if theirs is None or ours is None or not set(theirs) <= set(ours):
        return {}
    places = {number: place for place, number in enumerate(ours)}
    return {frame: places[number] for frame, number in zip(pictures, theirs)}


def _check(
    pictures: Mapping[int, Picture], files: list[Path], places: Mapping[int, int]
) -> None:
    """Raise if two frames have one picture, or the order is another one."""
    place, count = Counter(places.values()).most_common(1)[0]
    if count > 1:
        first, second = [pictures[n].where for n in places if places[n] == place][:2]
        raise ValueError(f'{first} and {second} are both {files[place].name}')
    numbered = [n for n in places if pictures[n].number is not None]
    numbered.sort(key=lambda n: pictures[n].number)
    for before, after in itertools.pairwise(numbered):
        if places[before] > places[after]:
            raise ValueError(
                f'{pictures[after].where}: frame {pictures[after].number} is '
                f'{pictures[after].name}, but frame {pictures[before].number} is '
                f'{pictures[before].name}: numbers and names are in different orders'
            )


def _path(name: str) -> PurePosixPath:
    # macOS writes an accent as a sign of its own, other systems do not.
    return PurePosixPath(PATHS.sub('/', unicodedata.normalize('NFC', name)))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from .box_file import Picture
from .match_numbers import picture_numbers

PATHS = re.compile(r'[\\/]+')  # files of Windows come to other systems


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
    matches = dict(
        paths=lambda: _match_paths(pictures, files),
        names=lambda: _match(pictures, files, lambda path: path.name),
        stems=lambda: _match(pictures, files, lambda path: path.stem),
        numbers=lambda: _match_last_numbers(pictures, files),
    )
    found = ((what, match()) for what, match in matches.items())
    what, places = next((pair for pair in found if pair[1]), ('', {}))
    if not places:
        some = next(iter(pictures.values()))
        raise ValueError(
            f'{some.where}: its picture is {some.name}, the folder has '
            f'{files[0].name} to {files[-1].name} and none of the names'
        )
    _check(pictures, files, places)
    return places, what


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


def _match_paths(pictures: Mapping[int, Picture], files: list[Path]) -> dict[int, int]:
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
    pictures: Mapping[int, Picture], files: list[Path], key: Callable
) -> dict[int, int]:
    """Places of the pictures of which the keys are those of files."""
    places = {key(file): place for place, file in enumerate(files)}
    keys = {number: key(_path(picture.name)) for number, picture in pictures.items()}
    return {number: places[k] for number, k in keys.items() if k in places}


def _match_last_numbers(
    pictures: Mapping[int, Picture], files: list[Path]
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
        first, second = [
            pictures[number].where for number in places if places[number] == place
        ][:2]
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
    return PurePosixPath(PATHS.sub('/', name))

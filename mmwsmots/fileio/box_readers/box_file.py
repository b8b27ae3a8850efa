# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What readers make of a file of boxes, and the choice of its videos and classes."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..classes import find_name, fold


class TrackedBox(NamedTuple):
    """A box with an identity, as a file of boxes has it."""

    frame_id: int  # number of the frame in its video, from 0
    track_id: int  # identity, constant over the video; -1 if there is none
    class_name: str  # in the file's words
    # x1, y1, x2, y2 in pixels, finite; it may reach out of the frame or be empty.
    bbox: tuple[float, float, float, float]
    is_ignored: bool  # marks unknown content; then class and identity mean nothing
    where: str  # its place in the file, for messages, e.g. 'line 7'
    score: float = 1.0  # how sure a detector is of it

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


class Picture(NamedTuple):
    """What a file says of the picture of a frame."""

    name: str  # its file, with or without folders and suffix
    size: tuple[int, int] | None  # height and width in pixels, if it says so
    where: str  # place in the file, for messages, e.g. 'images[3]'
    number: int | None = None  # of the frame in its video, if it says so
    video: int | str | None = None  # what its video is called, in COCO's files
    content: dict | None = None  # all that such a file says of it


class Numbering(NamedTuple):
    """How a file without names of pictures numbers its frames."""

    first: int  # number of the first frame of a video in this format
    declared: range | None = None  # numbers of all annotated frames, if it says so
    is_given: bool = False  # first is what the user said of the first picture
    names_are_numbers: bool = False  # pictures are named by the number of their frame
    sorted_by_text: bool = False  # numbers go by the pictures' names, sorted as text


@dataclass
class BoxFile:
    """Content of a file of boxes."""

    path: Path
    # In their order; frame_id is the file's own number until place_boxes() was called.
    boxes: list[TrackedBox]
    # What these numbers mean where pictures is empty.
    numbering: Numbering = field(default=Numbering(0))
    pictures: dict[int, Picture] = field(default_factory=dict)  # in order of frames
    size: tuple[int, int] | None = None  # height and width of all frames in pixels
    size_where: str = ''  # where it says so
    is_relative: bool = False  # boxes are in percent of the frame's size
    left_out: Counter = field(default_factory=Counter)  # kinds of shapes not read
    notices: list[str] = field(default_factory=list)  # what was assumed or looks odd

    @property
    def has_identities(self) -> bool:
        """bool: Whether boxes have identities; without, all their ids are -1."""
        return {box.track_id for box in self.boxes if not box.is_ignored} != {-1}

    def check_identities(self) -> None:
        """Raise ValueError unless no box has an identity, or each has, once a frame."""
        if not self.has_identities:
            return
        seen = {}
        for box in self.boxes:
            if box.is_ignored:
                continue
            where = f'{self.path}, {box.where}'
            if box.track_id < 0:
                raise ValueError(f'{where}: it has no identity, other boxes have one')
            first = seen.setdefault((box.frame_id, box.track_id), box)
            if first is not box:
                text = f'{where}: duplicate id {box.track_id} in frame {box.frame_id}'
                raise ValueError(f'{text} (first on {first.where})')
        tracks = {track_id for _, track_id in seen}
        if len({frame_id for frame_id, _ in seen}) > 1 and len(tracks) == len(seen):
            self.notices.append(
                f'each of the {len(tracks)} identities comes in one frame only: are '
                'they numbers of boxes rather than of objects?'
            )


def numbered(
    boxes: Sequence[TrackedBox], notices: list[str], keys: Iterable = ()
) -> list[TrackedBox]:
    """Boxes with numbers in place of the identities that ``identity_key`` gives.

    Names have those behind the numbers, with a notice, None has -1; ``keys`` come
    first.
    """
    keys = dict.fromkeys([*keys, *(box.track_id for box in boxes)])
    numbers = {key: key for key in keys if isinstance(key, int)}
    names = [key for key in keys if isinstance(key, str)]
    numbers |= {name: n for n, name in enumerate(names, max(numbers, default=0) + 1)}
    if names:
        some = ', '.join(f'{name[:40]} is {numbers[name]}' for name in names[:3])
        more = f', and so on up to {numbers[names[-1]]}' if len(names) > 3 else ''
        notices.append(f'identities that are names were numbered: {some}{more}')
    return [box._replace(track_id=numbers.get(box.track_id, -1)) for box in boxes]


def choose_video(
    videos: Sequence[tuple[Sequence[str], Any]],
    name: str | None,
    notices: list[str],
    kind: str = 'videos',
) -> Any:
    """The video of that name, compared without case, or the only one, with a notice.

    ``videos`` are pairs of what each may be called, the usual name first, and the
    video. ValueError names them, as ``kind``, if it is not clear which is meant.
    """
    own = None if name is None else fold(name)
    found = [video for names, video in videos if own in map(fold, names)]
    known = ', '.join([*names, '?'][0] for names, _ in videos[:20])
    if len(videos) == 1:
        if name is not None and not found and videos[0][0]:
            notices.append(f'it was made for {known}, this is {name}')
        return videos[0][1]
    if len(found) != 1:
        text = f'{len(found) or "none"} of its {len(videos)} {kind} have the name'
        raise ValueError(f'{text} {name}; choose one with --video-name: {known}')
    return found[0]


def select_classes(
    file: BoxFile,
    class_names: Collection[str],
    class_map: Mapping[str, str] | None = None,
) -> BoxFile:
    """Give boxes the wanted names of their classes; leave out, and count, all others.

    Ignored boxes stay; case makes no difference. ``class_map`` has the class of further
    names, e.g. 'Van' -> 'car'. ValueError if an identity has had another class.
    """
    names = {fold(name): name for name in class_names}
    for name, target in (class_map or {}).items():
        names[fold(name)] = find_name(target, class_names) or target
    kept, left_out, first_of = [], Counter(), {}
    for box in file.boxes:
        name = names.get(fold(box.class_name))
        if box.is_ignored:
            kept.append(box)
        elif name is None:
            left_out[box.class_name] += 1
        else:
            before, where = first_of.setdefault(box.track_id, (name, box.where))
            if before != name:
                text = f'id {box.track_id} is a {name}, on {where} a {before}'
                raise ValueError(f'{file.path}, {box.where}: {text}')
            kept.append(box._replace(class_name=name))
    return dataclasses.replace(file, boxes=kept, left_out=file.left_out + left_out)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .tracked_box import TrackedBox


class Picture(NamedTuple):
    """What a file says of the picture of a frame.

    Attributes:
        name (str): Its file, with or without folders and suffix.
        size (tuple[int, int] | None): Height and width in pixels, if it says so.
        where (str): Place in the file, for messages, e.g. 'images[3]'.
        number (int | None): Number of the frame in its video, if it says so.
    """

    name: str
    size: tuple[int, int] | None
    where: str
    number: int | None = None


class Numbering(NamedTuple):
    """How a file without names of pictures numbers its frames.

    Attributes:
        first (int): Number of the first frame of a video in this format.
        declared (range | None): Numbers of all frames that were annotated,
            with or without boxes, if the file says so.
        is_given (bool): Whether ``first`` is what the user said of the first picture.
            Defaults to False.
        names_are_numbers (bool): Whether the format names pictures by the number of
            their frame. Defaults to False.
        sorted_by_text (bool): Whether frames were numbered in the order in which their
            pictures' names sort as text. Defaults to False.
    """

    first: int
    declared: range | None = None
    is_given: bool = False
    names_are_numbers: bool = False
    sorted_by_text: bool = False


FROM_0 = Numbering(0)


@dataclass
class BoxFile:
    """Content of a file of boxes.

    Attributes:
        path (Path): The file.
        boxes (list[TrackedBox]): Its boxes in their order; ``frame_id`` is the file's
            own number of a frame until :func:`place_boxes` found the frames.
        numbering (Numbering): What these numbers mean where ``pictures`` is empty.
        pictures (dict[int, Picture]): What the file says of each frame's picture, in
            the order of the frames; empty in formats without names.
        size (tuple[int, int] | None): Height and width in pixels of all frames, if
            the file says so.
        size_where (str): Where it says so.
        is_relative (bool): Whether boxes are in percent of the frame's size.
        left_out (Counter[str]): How many shapes of which kind were not read.
        notices (list[str]): What was assumed or changed, and what looks odd.
    """

    path: Path
    boxes: list[TrackedBox]
    numbering: Numbering = FROM_0
    pictures: dict[int, Picture] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    size_where: str = ''
    is_relative: bool = False
    left_out: Counter = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)

    @property
    def has_identities(self) -> bool:
        """bool: Whether boxes have identities; without, all their ids are -1."""
        ids = {box.track_id for box in self.boxes if not box.is_ignored}
        return ids != {-1}

    def check_identities(self) -> None:
        """Check that no box has an identity, or each has, once in its frame.

        Raises:
            ValueError: If not; the message names file and place.
        """
        objects = [box for box in self.boxes if not box.is_ignored]
        if not self.has_identities:
            return
        seen = {}
        for box in objects:
            where = f'{self.path}, {box.where}'
            if box.track_id < 0:
                raise ValueError(f'{where}: {box.track_id} is no identity')
            first = seen.setdefault((box.frame_id, box.track_id), box)
            if first is not box:
                raise ValueError(
                    f'{where}: duplicate id {box.track_id} in frame {box.frame_id} '
                    f'(first on {first.where})'
                )
        tracks = {box.track_id for box in objects}
        if len({box.frame_id for box in objects}) > 1 and len(tracks) == len(objects):
            self.notices.append(
                f'each of the {len(tracks)} identities comes in one frame only: are '
                'they numbers of boxes rather than of objects?'
            )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The one reader and the one writer of KITTI MOTS text files.

A file describes one sequence, one :class:`MOTSObject` per line: ``frame id class height
width rle``. ``id`` is ``class * 1000 + n`` in ground truth. Masks of one frame do not
overlap. KITTI MOTS numbers frames from 0, MOTS20, which has the same format, from 1.
"""

import configparser
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from mmwsmots.fileio.files import atomic_write, named_place, text_lines
from mmwsmots.fileio.frame_reader import MAX_PIXELS
from mmwsmots.fileio.rle import find_overlap, rles_to_runs

CLASS_IDS = {'car': 1, 'pedestrian': 2}
IGNORE_CLASS_ID = 10
KITTI_CLASS_IDS = (*CLASS_IDS.values(), IGNORE_CLASS_ID)
MAX_DIGITS = 9  # of a number: it fits into 32 bits


class MOTSObject(NamedTuple):
    """One object of one frame: a line of a KITTI MOTS text file."""

    frame_id: int  # number of the frame in its sequence, from 0
    track_id: int  # identity, constant over the sequence
    class_id: int  # 1 car, 2 pedestrian, 10 ignore region; else see class_numbers()
    height: int  # of the frame in pixels
    width: int
    rle: str  # COCO's compressed run-length encoding of the mask

    @property
    def coco_rle(self) -> dict:
        """dict: The mask as pycocotools takes it."""
        return {'size': [self.height, self.width], 'counts': self.rle.encode('ascii')}

    @property
    def mask(self) -> np.ndarray:
        """ndarray: The mask, (height, width) bool."""
        return mask_utils.decode(self.coco_rle).astype(bool)


def sequence_name(img_path: str | Path) -> str:
    """SSSS of ``SSSS/000000.png``, as in KITTI MOTS, or ``SSSS/img1/000001.jpg``."""
    folder = Path(img_path).parent
    return (folder.parent if folder.name == 'img1' else folder).name


def read_mots_txt(
    path: str | Path,
    check_disjoint: bool = True,
    check_ids: bool = True,
    first_frame: int = 0,
    class_ids: Collection[int] | None = KITTI_CLASS_IDS,
    num_frames: int | None = None,
) -> list[MOTSObject]:
    """Read and validate a KITTI MOTS text file; an empty one has no objects.

    Args:
        path: The file. Empty lines are no errors.
        check_disjoint: Whether masks of a frame must not overlap.
        check_ids: Whether ``id // 1000`` must be the class; results may use any id.
        first_frame: Number of the first frame in the file; it gets ``frame_id`` 0.
        class_ids: Classes that may occur; None: any.
        num_frames: Length of the sequence; None: not known.

    ValueError names the file, the line that breaks the format and what is wrong.
    """
    objects, line_of, size = [], {}, None
    for number, line in text_lines(path):
        with named_place(f'{path}, line {number}: '):
            obj = parse_line(line, class_ids)
            frame = f'frame {obj.frame_id}'
            if obj.frame_id < first_frame:
                raise ValueError(f'{frame} lies before the first frame, {first_frame}')
            if num_frames is not None and obj.frame_id >= num_frames + first_frame:
                text = f'{frame} lies beyond the {num_frames} frames of the sequence'
                raise ValueError(f'{text}, which count from {first_frame}')
            size = size or obj[3:5]
            if obj[3:5] != size:
                text = f'the mask has the size {obj.height} x {obj.width}, the first'
                raise ValueError(f'{text} mask of the file {size[0]} x {size[1]}')
            if check_ids and obj.track_id // 1000 != obj.class_id:
                text = f'id {obj.track_id} does not belong to class {obj.class_id}'
                raise ValueError(f'{text} (the id must be class * 1000 + n)')
            first = line_of.setdefault((obj.frame_id, obj.track_id), number)
            if first != number:
                text = f'duplicate id {obj.track_id} in {frame} (first on line {first})'
                raise ValueError(text)
        objects.append(obj._replace(frame_id=obj.frame_id - first_frame))
    numbers = [*line_of.values()]
    try:
        rles_to_runs([obj.rle for obj in objects], *(size or (0, 0)))
    except ValueError:
        for number, obj in zip(numbers, objects):  # which one is it?
            with named_place(f'{path}, line {number}: '):
                rles_to_runs([obj.rle], *size)
        raise
    frames = [obj.frame_id for obj in objects] if check_disjoint else []
    if overlap := find_overlap([obj.coco_rle for obj in objects], frames):
        first, second = (numbers[index] for index in overlap)
        frame = frames[overlap[0]] + first_frame
        text = f'the mask overlaps the mask of line {first} in frame {frame}'
        raise ValueError(f'{path}, line {second}: {text}')
    return objects


def write_mots_txt(
    path: str | Path, objects: Iterable[MOTSObject], first_frame: int = 0
) -> None:
    """Write the file whole, frame 0 as ``first_frame``; its folder is created."""
    if first_frame:
        objects = (obj._replace(frame_id=obj.frame_id + first_frame) for obj in objects)
    with atomic_write(path) as temp, temp.open('w') as file:
        file.writelines(map(format_line, objects))


def format_line(obj: MOTSObject) -> str:
    """The line of an object, with its end."""
    return ' '.join(map(str, obj)) + '\n'


def read_seqmap(path: str | Path, first_frame: int = 0) -> dict[str, int | None]:
    """Number of frames of each sequence of a seqmap, in the file's order.

    Lines are ``sequence empty first_frame last_frame``. A seqmap of MOTChallenge may
    only name them, below ``name``: their number is None. ValueError names a wrong line.
    """
    lengths, only_names = {}, False
    for number, line in text_lines(path):
        if line.split() == ['name'] and not lengths:
            only_names = True
            continue
        pattern = r'(\S+)' if only_names else r'(\S+)\s+\S+\s+(\d+)\s+(\d{1,9})'
        match = re.fullmatch(pattern, line.strip())
        name, *bounds = match.groups() if match else ('',)
        first, last = map(int, bounds or (first_frame, first_frame))
        if match is None or not first == first_frame <= last:
            expected = f'sequence empty {first_frame:06d} last_frame'
            text = f'expected "{"sequence" if only_names else expected}", got "{line}"'
            raise ValueError(f'{path}, line {number}: {text}')
        if name in lengths:
            raise ValueError(f'{path}, line {number}: duplicate sequence {name}')
        lengths[name] = None if only_names else last + 1 - first_frame
    if not lengths:
        raise ValueError(f'{path}: the seqmap names no sequence')
    return lengths


def parse_line(
    line: str, class_ids: Collection[int] | None = KITTI_CLASS_IDS
) -> MOTSObject:
    """The object of a line, its RLE unchecked; ValueError if it is no such line."""
    fields = line.split()
    if len(fields) != 6:
        boxes = '; these are boxes of KITTI tracking, without masks'
        hints = {7: '; results have no score behind the RLE', 17: boxes, 18: boxes}
        text = f'got {len(fields)}{hints.get(len(fields), "")}'
        raise ValueError(f'expected 6 fields (frame id class height width rle), {text}')
    for name, field in zip(MOTSObject._fields, fields[:5]):
        if not field.isdecimal() or len(field) > MAX_DIGITS:
            text = f'{name} must be a non-negative integer of at most {MAX_DIGITS}'
            raise ValueError(f'{text} digits, got "{field[:80]}"')
    obj = MOTSObject(*map(int, fields[:5]), fields[5])
    if class_ids is not None and obj.class_id not in class_ids:
        known = '1 car, 2 pedestrian, 10 ignore region'
        if tuple(class_ids) != KITTI_CLASS_IDS:
            known = ', '.join(map(str, class_ids))
        raise ValueError(f'unknown class {obj.class_id} ({known})')
    if not 0 < obj.height * obj.width <= MAX_PIXELS:
        raise ValueError(f'the mask has the size {obj.height} x {obj.width}')
    return obj


class SeqInfo(NamedTuple):
    """What a ``seqinfo.ini`` of MOTChallenge says: frames, numbered from 1 on."""

    length: int  # number of frames
    size: tuple[int, int]  # height and width of the frames in pixels
    folder: Path  # of the frames FFFFFF + suffix
    suffix: str  # with its dot


def read_seqinfo(path: Path) -> SeqInfo:
    """Read a ``seqinfo.ini``; ValueError names the file and the field that is wrong."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding='ascii', errors='replace'))
        section = parser['Sequence']
    except (configparser.Error, KeyError) as error:
        reason = str(error).splitlines()[0]
        text = f'{path}: no seqinfo.ini with a section [Sequence] ({reason})'
        raise ValueError(text) from None
    numbers = []
    for name in ('seqLength', 'imHeight', 'imWidth'):
        value = section.get(name, '')
        if not value.isdecimal() or not 0 < int(value) < 10**6:
            text = f'{path}: {name} must be a number from 1 to 999999,'
            raise ValueError(f'{text} got "{value[:80]}"')
        numbers.append(int(value))
    length, *size = numbers
    folder = path.parent / section.get('imDir', 'img1')
    return SeqInfo(length, tuple(size), folder, section.get('imExt', '.jpg'))

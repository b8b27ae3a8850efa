# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import dataclasses
from collections.abc import Mapping

from mmwsmots.fileio.frame_reader import FrameReader
from mmwsmots.fileio.named_place import named_place

from .box_file import BoxFile
from .match_names import match_names, match_video
from .match_numbers import match_numbers, picture_numbers


def place_boxes(file: BoxFile, frames: FrameReader, size: tuple[int, int]) -> BoxFile:
    """Find the frame of each box in a video or a folder of pictures.

    Names of pictures decide where the file has them; then its numbers of frames, see
    :func:`match_numbers`. What was assumed becomes a notice.

    Args:
        file (BoxFile): The boxes, with the file's own numbers of frames.
        frames (FrameReader): The video or folder.
        size (tuple[int, int]): Height and width of its frames in pixels.

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
    notices = [*file.notices, notice] if notice else [*file.notices]
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
    target = f'frame {place} of the video (from 0),'
    if frames.files is not None:
        target = f'{frames.files[place].name},'
    other = ''
    if what == 'order' and not rule.is_given:
        other = '; --first-frame N says that the first one is frame N of the file'
    return places, (
        f'frame {_name(file, found[0])} of {file.path.name} is {target} found by '
        f'{what}{other}'
    )


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

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mmwsmots.fileio.named_place import named_place
from mmwsmots.fileio.pictures import natural_key

from .box_file import BoxFile, Numbering, Picture
from .json_items import (
    elements,
    get,
    identity_of,
    integer,
    read_json,
    size_of,
    xywh,
)
from .tracked_box import TrackedBox, finite_numbers

FRAME_NAMES = ('frame_id', 'frame_index')  # the second is TAO's


class FileObject(NamedTuple):
    """An object of a frame of a JSON file; ``content`` is its annotation or part of it.

    The other fields are those of :class:`TrackedBox`.
    """

    frame_id: int
    track_id: int
    class_name: str
    content: object
    is_ignored: bool
    where: str
    score: float


def read_cocovid(
    path: str | Path, video_name: str | None = None, first_frame: int | None = None
) -> BoxFile:
    """Read the boxes of one video of a COCO or CocoVID JSON file.

    Images have a ``file_name``, or a number ``frame_id``, from 0, or both, and, if
    there are several videos, ``video_id``. Without numbers, as in plain COCO, the
    order of the names is that of the frames. Annotations have a ``bbox`` (x, y, w, h)
    and an identity, ``track_id`` or ``instance_id``, in themselves or in their
    ``attributes``. Those with ``iscrowd`` 1 become ignored boxes; those without a box
    are left out and counted.

    Args:
        path (str | Path): The file.
        video_name (str, optional): Which of its videos; not looked at if there is
            only one.
        first_frame (int, optional): Number of the first picture in the file, where
            pictures are to be taken in their order.

    Returns:
        BoxFile: The boxes in the order of the file.

    Raises:
        ValueError: If the file is no such JSON, lacks the video, or repeats an
            identity within a frame; the message names file and element.
    """
    coco = read_json(path)
    with named_place(f'{path}, '):
        file, _, objects = read_coco_objects(coco, Path(path), video_name)
        for obj in objects:
            bbox = obj.content.get('bbox')
            if bbox in (None, []):
                file.left_out[f'{obj.class_name} (without a box)'] += 1
            else:
                corners = xywh(bbox, f'{obj.where}: bbox')
                file.boxes.append(TrackedBox(*obj[:3], corners, *obj[4:]))
    if first_frame is not None:
        file.numbering = Numbering(first_frame, is_given=True)
    file.check_identities()
    return file


def read_coco_objects(
    coco: object, path: Path, video_name: str | None
) -> tuple[BoxFile, list[int], list[FileObject]]:
    """Read what boxes and masks of a video have in common.

    Args:
        coco, path, video_name: Content of the file, the file, and which of its videos.

    Returns:
        tuple[BoxFile, list[int], list[FileObject]]: The pictures of the video, without
        boxes; the numbers of its frames; its annotations.

    Raises:
        ValueError: If an element breaks the format; the message names its place.
    """
    file, objects = BoxFile(path, []), []
    names = read_categories(coco)
    frames, foreign = _read_images(coco, file, video_name)
    for where, ann in elements(coco, 'annotations'):
        image_id = integer(ann, 'image_id', where)
        if image_id in foreign:
            continue
        if image_id not in frames:
            raise ValueError(f'{where}: there is no image {image_id}')
        name = category_of(ann, names, where)
        identity = identity_of(ann, where)
        is_crowd, score = bool(ann.get('iscrowd', 0)), score_of(ann, where)
        obj = FileObject(frames[image_id], identity, name, ann, is_crowd, where, score)
        objects.append(obj)
    return file, sorted(frames.values()), objects


def read_categories(coco: object) -> dict[int, str]:
    """Name of each category id of a COCO file."""
    names = {}
    for where, item in elements(coco, 'categories'):
        number = integer(item, 'id', where)
        if number in names:
            raise ValueError(f'{where}: a second category of the id {number}')
        names[number] = get(item, 'name', str, where)
    return names


def category_of(ann: dict, names: dict[int, str], where: str) -> str:
    """Name of the category of an annotation."""
    category_id = integer(ann, 'category_id', where)
    if category_id not in names:
        raise ValueError(f'{where}: there is no category {category_id}')
    return names[category_id]


def score_of(ann: dict, where: str) -> float:
    """How sure a detector is of an annotation; 1 if it says nothing."""
    with named_place(f'{where}: '):
        return finite_numbers([ann.get('score', 1.0)], ['score'])[0]


def _read_images(
    coco: dict, file: BoxFile, video_name: str | None
) -> tuple[dict[int, int], set[int]]:
    """Number of the frame of each image id of the video, and the ids of other videos.

    The file gets the pictures, or the frames' numbers and their size.
    """
    video_id = _find_video(coco, file, video_name)
    images, foreign = {}, set()
    for where, image in elements(coco, 'images'):
        image_id = integer(image, 'id', where)
        if image_id in images or image_id in foreign:
            raise ValueError(f'{where}: a second image of the id {image_id}')
        if video_id is not None and integer(image, 'video_id', where) != video_id:
            foreign.add(image_id)
            continue
        name = image.get('file_name')
        if name is not None and not isinstance(name, str):
            raise ValueError(f'{where}: file_name is {str(name)[:80]!r}')
        number = next(
            (integer(image, n, where) for n in FRAME_NAMES if n in image), None
        )
        if number is None and not name:
            raise ValueError(f'{where}: neither file_name nor frame_id')
        if number is not None and number < 0:
            raise ValueError(f'{where}: frame_id is {number}')
        images[image_id] = Picture(name or '', size_of(image, where), where, number)
    frames = _number(images)
    unnamed = [picture for picture in images.values() if not picture.name]
    if 0 < len(unnamed) < len(images):
        raise ValueError(
            f'{unnamed[0].where}: file_name is missing, other images have one'
        )
    if not unnamed:
        pictures = {frames[image_id]: picture for image_id, picture in images.items()}
        file.pictures = dict(sorted(pictures.items()))
    else:
        sizes = {p.size: p.where for p in images.values() if p.size is not None}
        if len(sizes) == 1:
            ((file.size, file.size_where),) = sizes.items()
        declared = sorted(frames.values())
        if declared and declared[-1] - declared[0] == len(declared) - 1 > 0:
            file.numbering = Numbering(0, range(declared[0], declared[-1] + 1))
    return frames, foreign


def _number(images: dict[int, Picture]) -> dict[int, int]:
    """Number of the frame of each image id, by the file or by order of the names."""
    numbered = {i: p.number for i, p in images.items() if p.number is not None}
    if not numbered:
        stems = {i: PurePosixPath(p.name).with_suffix('') for i, p in images.items()}
        order = sorted(images, key=lambda i: natural_key(str(stems[i])))
        return {image_id: number for number, image_id in enumerate(order)}
    if len(numbered) < len(images):
        odd = next(p for p in images.values() if p.number is None)
        raise ValueError(f'{odd.where}: frame_id is missing, other images have one')
    number, count = Counter(numbered.values()).most_common(1)[0]
    if count > 1:
        first, second = [p.where for p in images.values() if p.number == number][:2]
        raise ValueError(f'{first} and {second} are both frame {number}')
    return numbered


def _find_video(coco: dict, file: BoxFile, video_name: str | None) -> int | None:
    """Id of the video; None if the file does not tell its videos apart."""
    videos = {}
    for where, item in elements(coco, 'videos', required=False):
        name = get(item, 'name', str, where)
        if name in videos:
            raise ValueError(f'{where}: a second video of the name {name}')
        videos[name] = integer(item, 'id', where)
    if len(videos) <= 1:
        name = next(iter(videos), video_name)
        if video_name is not None and name != video_name:
            file.notices.append(f'it was made for {name}, this is {video_name}')
        return next(iter(videos.values()), None)
    if video_name not in videos:
        raise ValueError(
            f'videos: none has the name {video_name}; there are '
            f'{", ".join(list(videos)[:20])}; choose one with --video-name'
        )
    return videos[video_name]

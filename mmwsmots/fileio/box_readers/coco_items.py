# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Categories, images and annotations of COCO and CocoVID files, checked."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from mmwsmots.fileio.pictures import natural_key

from .json_items import elements, get, integer, size_of
from .tracked_box import finite_numbers

FRAME_NAMES = ('frame_id', 'frame_index')  # the second is TAO's


class CocoImage(NamedTuple):
    """An image.

    Attributes:
        content (dict): All that the file says of it.
        name (str): Its file; '' if it has none, but then it has a number.
        size (tuple[int, int] | None): Height and width in pixels, if it says both.
        number (int | None): Of the frame in its video, from 0.
        video (int | str | None): What its video is called.
        where (str): Its place, for messages.
    """

    content: dict
    name: str
    size: tuple[int, int] | None
    number: int | None
    video: int | str | None
    where: str


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


def read_categories(coco: object) -> dict[int, str]:
    """Name of each category id."""
    names = {}
    for where, item in elements(coco, 'categories'):
        number = integer(item, 'id', where)
        if number in names:
            raise ValueError(f'{where}: a second category of the id {number}')
        names[number] = get(item, 'name', str, where)
    return names


def read_images(coco: object) -> dict[int, CocoImage]:
    """The images by their ids; all have a name, or a number, or a video, or none."""
    images = {}
    for where, item in elements(coco, 'images'):
        image_id = integer(item, 'id', where)
        if image_id in images:
            raise ValueError(f'{where}: a second image of the id {image_id}')
        name = item.get('file_name')
        if name is not None and not isinstance(name, str):
            raise ValueError(f'{where}: file_name is {str(name)[:80]!r}')
        key = next((key for key in FRAME_NAMES if item.get(key) is not None), None)
        number = None if key is None else integer(item, key, where)
        if number is None and not name:
            raise ValueError(f'{where}: neither file_name nor frame_id')
        if number is not None and number < 0:
            raise ValueError(f'{where}: {key} is {number}')
        video = None if item.get('video_id') is None else video_key(item, where)
        size = size_of(item, where)
        images[image_id] = CocoImage(item, name or '', size, number, video, where)
    for key, field in (('file_name', 1), ('frame_id', 3), ('video_id', 4)):
        without = [image for image in images.values() if image[field] in ('', None)]
        if 0 < len(without) < len(images):
            raise ValueError(
                f'{without[0].where}: {key} is missing, other images have one'
            )
    return images


def video_key(item: dict, where: str, key: str = 'video_id') -> int | str:
    """What a video is called, a number or text."""
    if isinstance(item.get(key), str):
        return item[key]
    return integer(item, key, where)


def number_frames(images: Mapping[int, CocoImage]) -> dict[int, int]:
    """Frame of each image of a video, by the file, or in the order of the names."""
    numbers = {image_id: image.number for image_id, image in images.items()}
    if None in numbers.values():
        stems = {i: PurePosixPath(im.name).with_suffix('') for i, im in images.items()}
        order = sorted(images, key=lambda i: natural_key(str(stems[i])))
        return {image_id: number for number, image_id in enumerate(order)}
    first = {}
    for image_id, number in numbers.items():
        before, image = images[first.setdefault(number, image_id)], images[image_id]
        if before is not image:
            raise ValueError(
                f'{before.where} ({before.name}) and {image.where} ({image.name}) are '
                f'both frame {number}'
            )
    return numbers


def read_annotations(
    coco: object,
    names: Collection[int],
    images: Collection[int],
    required: bool = True,
) -> Iterator[tuple[str, dict, int, int, bool]]:
    """Annotations with their places, ids of image and category, and ``iscrowd``."""
    for where, item in elements(coco, 'annotations', required):
        image_id = integer(item, 'image_id', where)
        if image_id not in images:
            raise ValueError(f'{where}: there is no image {image_id}')
        category_id = category_of(item, names, where)
        yield where, item, image_id, category_id, bool(item.get('iscrowd', 0))


def category_of(item: dict, names: Collection[int], where: str) -> int:
    """The category of an annotation."""
    category_id = integer(item, 'category_id', where)
    if category_id not in names:
        raise ValueError(f'{where}: there is no category {category_id}')
    return category_id


def score_of(item: dict, where: str) -> float:
    """How sure a detector is of an annotation; 1 if it says nothing."""
    return finite_numbers([item.get('score', 1.0)], [f'{where}: score'])[0]

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
from pathlib import Path

from .tracked_box import TrackedBox, check_identities, finite_numbers, whole_number


def read_cocovid(path: str | Path, video_name: str | None = None) -> list[TrackedBox]:
    """Read the boxes of one video of a CocoVID JSON file.

    Images need ``frame_id``, from 0, and, if there are several videos,
    ``video_id``; annotations ``bbox`` (x, y, w, h) and an identity, ``track_id``
    or else ``instance_id``. Annotations with ``iscrowd`` 1 become ignored boxes.

    Args:
        path (str | Path): The file.
        video_name (str, optional): Which of its videos; not looked at if there is
            only one.

    Returns:
        list[TrackedBox]: The boxes in the order of the file.

    Raises:
        ValueError: If the file is no such JSON, lacks the video, or repeats an
            identity within a frame; the message names file and element.
    """
    try:
        coco = json.loads(Path(path).read_text(encoding='utf-8-sig'))
    except ValueError as error:  # of the decoders too
        raise ValueError(f'{path}: no JSON: {error}') from None
    except RecursionError:
        raise ValueError(f'{path}: no CocoVID file: nested too deeply') from None
    try:
        return _read(coco, video_name)
    except ValueError as error:
        raise ValueError(f'{path}, {error}') from None


def _read(coco: dict, video_name: str | None) -> list[TrackedBox]:
    if not isinstance(coco, dict):
        raise ValueError('top level: expected an object')
    names = {
        _integer(item, 'id', where): _get(item, 'name', str, where)
        for where, item in _elements(coco, 'categories')
    }
    video_id = _find_video(coco, video_name)
    frame_ids, foreign = {}, set()
    for where, image in _elements(coco, 'images'):
        image_id = _integer(image, 'id', where)
        if video_id is not None and _integer(image, 'video_id', where) != video_id:
            foreign.add(image_id)
            continue
        frame_ids[image_id] = _integer(image, 'frame_id', where)
        if frame_ids[image_id] < 0:
            raise ValueError(f'{where}: frame_id is {frame_ids[image_id]}')
    boxes = []
    for where, ann in _elements(coco, 'annotations'):
        image_id = _integer(ann, 'image_id', where)
        if image_id in foreign:
            continue
        if image_id not in frame_ids:
            raise ValueError(f'{where}: there is no image {image_id}')
        category_id = _integer(ann, 'category_id', where)
        if category_id not in names:
            raise ValueError(f'{where}: there is no category {category_id}')
        bbox = _get(ann, 'bbox', list, where)
        if len(bbox) != 4:
            raise ValueError(f'{where}: bbox has {len(bbox)} numbers, expected 4')
        try:
            x, y, w, h = finite_numbers(bbox, [f'bbox[{i}]' for i in range(4)])
        except ValueError as error:
            raise ValueError(f'{where}: {error}') from None
        boxes.append(
            TrackedBox(
                frame_ids[image_id],
                _integer(
                    ann, 'track_id' if 'track_id' in ann else 'instance_id', where
                ),
                names[category_id],
                (x, y, x + w, y + h),
                bool(ann.get('iscrowd', 0)),
                where,
            )
        )
    check_identities(boxes)
    return boxes


def _find_video(coco: dict, video_name: str | None) -> int | None:
    """Id of the video; None if the file does not tell its videos apart."""
    videos = {}
    for where, item in _elements(coco, 'videos', required=False):
        name = _get(item, 'name', str, where)
        if name in videos:
            raise ValueError(f'{where}: a second video of the name {name}')
        videos[name] = _integer(item, 'id', where)
    if len(videos) <= 1:
        return next(iter(videos.values()), None)
    if video_name not in videos:
        raise ValueError(
            f'videos: none has the name {video_name}; there are '
            f'{", ".join(list(videos)[:20])}'
        )
    return videos[video_name]


def _elements(coco: dict, key: str, required: bool = True) -> list[tuple[str, dict]]:
    """The objects of a list with the names of their places."""
    if key not in coco and not required:
        return []
    items = _get(coco, key, list, 'top level')
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f'{key}[{index}]: expected an object')
    return [(f'{key}[{index}]', item) for index, item in enumerate(items)]


def _integer(item: dict, key: str, where: str) -> int:
    """An integer of an object."""
    value = _get(item, key, (int, float), where)
    try:
        return whole_number(value, key)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from None


def _get(item: dict, key: str, kind: type | tuple, where: str) -> object:
    """A value of an object, of a certain type."""
    if key not in item:
        raise ValueError(f'{where}: {key} is missing')
    value = item[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f'{where}: {key} is {str(value)[:80]!r}')
    return value

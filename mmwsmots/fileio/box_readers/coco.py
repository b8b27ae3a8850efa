# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""JSON of COCO, CocoVID and YouTube-VIS: items, checked, and the boxes of a video."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from mmwsmots.fileio.files import named_place
from mmwsmots.fileio.frame_reader import natural_key

from . import values
from .box_file import BoxFile, Numbering, Picture, TrackedBox, choose_video, numbered

FRAME_NAMES = ('frame_id', 'frame_index')  # the second is TAO's


def _identified(coco: object, key: str, kind: str) -> Iterator[tuple[int, str, dict]]:
    seen = set()
    for where, item in values.elements(coco, key):
        number = values.integer(item, 'id', where)
        if number in seen:
            raise ValueError(f'{where}: a second {kind} of the id {number}')
        seen.add(number)
        yield number, where, item


def read_categories(coco: object) -> dict[int, str]:
    """Name of each category id."""
    names = {}
    for number, where, item in _identified(coco, 'categories', 'category'):
        names[number] = values.get(item, 'name', str, where)
        if not names[number].strip():
            raise ValueError(f'{where}: its name is blank')
    return names


def read_images(coco: object) -> dict[int, Picture]:
    """The images by their ids; all or none have a name (else ''), a number, a video."""
    images = {}
    for image_id, where, item in _identified(coco, 'images', 'image'):
        name = item.get('file_name')
        if name is not None and not isinstance(name, str):
            raise ValueError(f'{where}: file_name is {str(name)[:80]!r}')
        key = next((key for key in FRAME_NAMES if item.get(key) is not None), None)
        number = None if key is None else values.integer(item, key, where, minimum=0)
        if number is None and not name:
            raise ValueError(f'{where}: neither file_name nor frame_id')
        video = None if item.get('video_id') is None else _video_key(item, where)
        size = values.size_of(item, where)
        images[image_id] = Picture(name or '', size, where, number, video, item)
    keys = dict(name='file_name', number='frame_id', video='video_id')
    for field, key in keys.items():
        without = [im for im in images.values() if getattr(im, field) in ('', None)]
        if 0 < len(without) < len(images):
            text = f'{without[0].where}: {key} is missing, other images have one'
            raise ValueError(text)
    return images


def _video_key(item: dict, where: str, key: str = 'video_id') -> int | str:
    is_text = isinstance(item.get(key), str)
    return item[key] if is_text else values.integer(item, key, where)


def number_frames(images: Mapping[int, Picture]) -> dict[int, int]:
    """Frame of each image of a video, by the file, or in the order of the names."""
    if any(image.number is None for image in images.values()):
        stems = {i: PurePosixPath(im.name).with_suffix('') for i, im in images.items()}
        order = sorted(images, key=lambda i: natural_key(str(stems[i])))
        return {image_id: number for number, image_id in enumerate(order)}
    first = {}
    for image in images.values():
        before = first.setdefault(image.number, image)
        if before is not image:
            text = f'({image.name}) are both frame {image.number}'
            raise ValueError(f'{before.where} ({before.name}) and {image.where} {text}')
    return {image_id: image.number for image_id, image in images.items()}


def read_annotations(
    coco: object, names: Collection[int], images: Collection[int], required: bool = True
) -> Iterator[tuple[str, dict, int, int, bool]]:
    """Annotations with their places, ids of image and category, and ``iscrowd``."""
    for where, item in values.elements(coco, 'annotations', required):
        image_id = values.integer(item, 'image_id', where)
        if image_id not in images:
            raise ValueError(f'{where}: there is no image {image_id}')
        category_id = _category_of(item, names, where)
        yield where, item, image_id, category_id, values.flag(item, 'iscrowd', where)


def read_coco_objects(
    coco: object, path: Path, video_name: str | None, key: str
) -> tuple[BoxFile, list[int], list[TrackedBox]]:
    """What boxes and masks of a video of a COCO or CocoVID file have in common.

    Returns its pictures, without boxes; the numbers of its frames; its annotations,
    whose ``bbox`` is the unchecked entry ``key``, None without one.
    """
    file, names, images = BoxFile(path, []), read_categories(coco), read_images(coco)
    own, videos = images, {}  # all images, if the file does not tell its videos apart
    for where, item in values.elements(coco, 'videos', required=False):
        name = values.get(item, 'name', str, where)
        if name in videos:
            raise ValueError(f'{where}: a second video of the name {name}')
        videos[name] = _video_key(item, where, 'id')
    if videos:
        named = [([name], key) for name, key in videos.items()]
        video = choose_video(named, video_name, file.notices)
        for image in images.values():
            if image.video is None:
                raise ValueError(f'{image.where}: video_id is missing')
        own = {i: image for i, image in images.items() if image.video == video}
    frames = number_frames(own)
    numbers = sorted(frames.values())
    if all(image.name for image in own.values()):
        for image_id in sorted(frames, key=frames.get):
            picture = own[image_id]._replace(video=None, content=None)
            file.pictures[frames[image_id]] = picture
    else:
        sizes = {im.size: im.where for im in own.values() if im.size is not None}
        if len(sizes) == 1:
            ((file.size, file.size_where),) = sizes.items()
        if numbers[-1] - numbers[0] == len(numbers) - 1 > 0:
            file.numbering = Numbering(0, range(numbers[0], numbers[-1] + 1))
    objects, anns = [], read_annotations(coco, names, images)
    for where, item, image_id, category_id, is_crowd in anns:
        if image_id in own:
            place = frames[image_id], values.identity_of(item, where)
            obj = *place, names[category_id], item.get(key), is_crowd, where
            objects.append(TrackedBox(*obj, _score_of(item, where)))
    return file, numbers, numbered(objects, file.notices)


def read_track_objects(
    data: object, path: Path, video_name: str | None, key: str
) -> tuple[BoxFile, list[int], list[TrackedBox]]:
    """:func:`read_coco_objects` of a YouTube-VIS file, track by track."""
    file, names, places = BoxFile(path, []), read_categories(data), {}
    videos = []
    for where, item in values.elements(data, 'videos'):
        first = [*values.get(item, 'file_names', list, where), None][0]
        folder = PurePosixPath(first).parent.name if isinstance(first, str) else ''
        name = item.get('name')
        own = [name if isinstance(name, str) else '', folder]
        videos.append(([*filter(None, own)], (where, item)))
    where, video = choose_video(videos, video_name, file.notices)
    video_id, size = values.integer(video, 'id', where), values.size_of(video, where)
    for frame_id, name in enumerate(values.get(video, 'file_names', list, where)):
        place = f'{where}.file_names[{frame_id}]'
        if not isinstance(name, str) or not name:
            raise ValueError(f'{place}: no name: {str(name)[:80]!r}')
        file.pictures[frame_id] = Picture(name, size, place, frame_id)
    num_frames, objects = len(file.pictures), []
    if video.get('length') not in (None, num_frames):
        text = f'{where}: length is {video["length"]},'
        raise ValueError(f'{text} but it has {num_frames} file_names')
    for where, ann in values.elements(data, 'annotations'):
        if values.integer(ann, 'video_id', where) != video_id:
            continue
        track = values.get(ann, 'id', (int, float, str), where)
        track = values.identity_key(track, where)
        first = places.setdefault(track, where)
        if first != where:
            raise ValueError(f'{first} and {where} are both track {track}')
        class_name = names[_category_of(ann, names, where)]
        parts = values.get(ann, key, list, where)
        if len(parts) != num_frames:
            text = f'{where}: {len(parts)} {key}, but the video has {num_frames} frames'
            raise ValueError(text)
        is_crowd, score = values.flag(ann, 'iscrowd', where), _score_of(ann, where)
        for frame_id, part in enumerate(parts):
            if part not in (None, []):
                place = f'{where}.{key}[{frame_id}]'
                obj = frame_id, track, class_name, part, is_crowd, place, score
                objects.append(TrackedBox(*obj))
    return file, [*file.pictures], numbered(objects, file.notices, places)


def _read_boxes(
    path: Path, video_name: str | None, read_objects: Callable, key: str
) -> BoxFile:
    data = values.read_json(path)
    with named_place(f'{path}, '):
        file, _, objects = read_objects(data, path, video_name, key)
        for obj in objects:
            if obj.bbox in (None, []):
                file.left_out[f'{obj.class_name} (without a box)'] += 1
                continue
            place = f'{obj.where}: bbox' if key == 'bbox' else obj.where
            file.boxes.append(obj._replace(bbox=values.xywh(obj.bbox, place)))
    file.check_identities()
    return file


def read_cocovid(path: Path, video_name: str | None = None) -> BoxFile:
    """Read the boxes of one video of a COCO or CocoVID JSON file.

    Frames without numbers are in the order of their names. ``iscrowd`` makes ignored
    boxes; annotations without a ``bbox`` are counted. See :func:`read_boxes`.
    """
    return _read_boxes(path, video_name, read_coco_objects, 'bbox')


def read_youtube_vis(path: Path, video_name: str | None = None) -> BoxFile:
    """Read the boxes of a video, of a name or folder, of a YouTube-VIS JSON file.

    Its ``bboxes`` are null where an object is not seen. See :func:`read_boxes`.
    """
    return _read_boxes(path, video_name, read_track_objects, 'bboxes')


def _category_of(item: dict, names: Collection[int], where: str) -> int:
    category_id = values.integer(item, 'category_id', where)
    if category_id not in names:
        raise ValueError(f'{where}: there is no category {category_id}')
    return category_id


def _score_of(item: dict, where: str) -> float:
    return values.finite_numbers([item.get('score', 1.0)], [f'{where}: score'])[0]

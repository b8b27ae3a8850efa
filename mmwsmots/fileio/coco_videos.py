# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""A COCO or CocoVID file with its classes, frames and identities in order."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from .box_readers.cocovid import read_categories
from .box_readers.json_items import (
    elements,
    get,
    given_identity,
    integer,
    parse_json,
)
from .box_readers.tracked_box import MAX_NUMBER
from .class_names import find_name, fold, suggest
from .named_place import named_place
from .pictures import natural_key
from .segmentation import segmentation_to_rle


def order_coco(
    data: bytes, path: str, classes: Sequence[str], with_mask: bool
) -> tuple[dict, list[str]]:
    """Read a COCO or CocoVID file for a data set with given classes.

    Classes go by their names, whatever the order and case in the file. Frames are
    sorted by video and ``frame_id``. Identities are ``track_id``, ``instance_id`` or
    ``attributes.track_id``, from 0 or 1 on, per video or over the file. A file without
    videos and frame numbers has one video per folder if it has identities, its frames
    in the order of their names; else each picture is a video of its own.

    Args:
        data (bytes): The file's content.
        path (str): Its name, for messages.
        classes (Sequence[str]): Names of the classes, different but for their case.
        with_mask (bool): Whether annotations keep their ``segmentation``.

    Returns:
        tuple[dict, list[str]]: CocoVID with the categories 1, 2, ... of ``classes``,
        ``instance_id`` counted from 1 over the file, and every annotation's ``id`` and
        ``area`` (that of the box without masks); what there is to be said of it.

    Raises:
        ValueError: If the file breaks the format or contradicts itself or the classes;
            the message names file and element.
    """
    coco = parse_json(data, path)
    with named_place(f'{path}: '):
        return _Reader(coco, classes, with_mask).read()


class _Reader:
    """One reading of :func:`order_coco`."""

    def __init__(self, coco: object, classes: Sequence[str], with_mask: bool) -> None:
        self.coco = coco
        self.classes = classes
        self.with_mask = with_mask
        self.notices = []

    def read(self) -> tuple[dict, list[str]]:
        labels, names = self._read_categories()
        annotations = self._read_annotations(labels, names)
        images = self._read_images(has_identities=any(a['key'] for a in annotations))
        self._check_masks(annotations, images)
        videos = list(dict.fromkeys(image['video_id'] for image in images))
        return (
            dict(
                categories=[
                    dict(id=i, name=name) for i, name in enumerate(self.classes, 1)
                ],
                videos=[dict(id=number) for number in videos],
                images=images,
                annotations=self._number_tracks(annotations, images, names),
            ),
            self.notices,
        )

    def _read_categories(self) -> tuple[dict, dict]:
        """Category number of ours (None: left out) and name of each of the file's."""
        names = read_categories(self.coco)
        for i, name in enumerate(names.values()):
            if find_name(name, list(names.values())[:i]) is not None:
                raise ValueError(
                    f"categories[{i}]: a second category of the name '{name}'"
                )
        numbers = {fold(name): i for i, name in enumerate(self.classes, 1)}
        labels = {number: numbers.get(fold(name)) for number, name in names.items()}
        missing = [n for n in self.classes if find_name(n, names.values()) is None]
        foreign = [names[number] for number, label in labels.items() if label is None]
        if missing and (foreign or len(missing) == len(self.classes)):
            raise ValueError(
                f"there is no category '{missing[0]}' in the file"
                f'{suggest(missing[0], foreign)} (classes: {", ".join(self.classes)}; '
                f'categories of the file: {", ".join(names.values()) or "none"})'
            )
        if missing:
            self.notices.append(f'the file knows no {", ".join(missing)}')
        return labels, names

    def _read_annotations(self, labels: dict, names: dict) -> list[dict]:
        """Annotations of our classes, with the identity as ``key``."""
        annotations, left_out = [], Counter()
        for where, item in elements(self.coco, 'annotations', required=False):
            category = integer(item, 'category_id', where)
            if category not in labels:
                raise ValueError(f'{where}: there is no category {category}')
            is_crowd = bool(item.get('iscrowd', 0))
            if labels[category] is None and not is_crowd:
                left_out[names[category]] += 1
                continue
            bbox = get(item, 'bbox', list, where)
            if len(bbox) != 4 or not all(_is_number(value) for value in bbox):
                raise ValueError(f'{where}: bbox is {str(bbox)[:80]}, no x, y, w, h')
            ann = dict(item, bbox=[float(value) for value in bbox])
            if not self.with_mask:
                ann.pop('segmentation', None)
            if not self.with_mask or not _is_number(ann.get('area')):
                ann['area'] = bbox[2] * bbox[3]
            ann.update(
                id=len(annotations) + 1,
                image_id=integer(item, 'image_id', where),
                # A region of unknown content has no class, but the format wants one.
                category_id=labels[category] or 1,
                iscrowd=int(is_crowd),
                key=None if is_crowd else _identity(item),
                where=where,
            )
            annotations.append(ann)
        if left_out:
            others = ', '.join(
                f'{number} of {name}' for name, number in left_out.items()
            )
            self.notices.append(f'left out: {others}')
        return annotations

    def _read_images(self, has_identities: bool) -> list[dict]:
        """Images with ``video_id`` and ``frame_id``, sorted by them."""
        images, known = [], {}
        for where, item in elements(self.coco, 'images'):
            image = dict(item, where=where)
            for key in ('id', 'width', 'height'):
                image[key] = integer(item, key, where)
            name = get(item, 'file_name', str, where)
            if image['id'] in known:
                raise ValueError(f'{where}: a second image of the id {image["id"]}')
            known[image['id']] = name
            images.append(image)
        _add_frame_numbers(images, has_identities, self.notices)
        seen, videos = {}, {}
        for image in images:
            place = image['video_id'], image['frame_id']
            first = seen.setdefault(place, image)
            if first is not image:
                raise ValueError(
                    f'{image["where"]}: {image["file_name"]} is frame {place[1]} of '
                    f'its video, and so is {first["file_name"]} ({first["where"]})'
                )
            # Numbers: a file may name its videos by words.
            image['video_id'] = videos.setdefault(place[0], len(videos) + 1)
        images.sort(key=lambda image: (image['video_id'], image['frame_id']))
        for image in images:
            del image['where']
        return images

    def _check_masks(self, annotations: list[dict], images: list[dict]) -> None:
        """Raise if a run-length encoding is not of its image, before it is decoded."""
        sizes = {image['id']: (image['height'], image['width']) for image in images}
        for ann in annotations:
            segmentation, size = ann.get('segmentation'), sizes.get(ann['image_id'])
            if isinstance(segmentation, dict) and size is not None:
                with named_place(f'{ann["where"]}: '):
                    segmentation_to_rle(segmentation, size)

    def _number_tracks(self, annotations: list, images: list, names: dict) -> list:
        """Give each identity of each video its number over the file."""
        video_of = {image['id']: image['video_id'] for image in images}
        tracks, class_of, lengths, in_frame = {}, {}, Counter(), {}
        num_without = 0
        for ann in annotations:
            key, where = ann.pop('key'), ann.pop('where')
            image = ann['image_id']
            if image not in video_of:
                raise ValueError(f'{where}: there is no image {image}')
            if key is None:
                num_without += not ann['iscrowd']
                track = len(tracks), None
            else:
                track = video_of[image], key
                name = self.classes[ann['category_id'] - 1]
                before, first = class_of.setdefault(track, (name, where))
                if before != name:
                    raise ValueError(
                        f'{where}: track {key} is a {name}, in {first} a {before}'
                    )
                first = in_frame.setdefault((image, key), where)
                if first != where:
                    raise ValueError(
                        f'{where}: track {key} is in image {image} a second time '
                        f'(first in {first})'
                    )
                lengths[track] += 1
            ann['instance_id'] = tracks.setdefault(track, len(tracks) + 1)
        if num_without:
            self.notices.append(
                f'{num_without} boxes have no identity (track_id, instance_id or '
                'attributes.track_id): each is a track of its own'
            )
        if len(lengths) > 1 and max(lengths.values()) == 1:
            self.notices.append(f'all {len(lengths)} tracks are one frame long')
        return annotations


def _add_frame_numbers(images: list, has_identities: bool, notices: list) -> None:
    """Fill in ``video_id`` and ``frame_id`` where the file has none, in place."""
    for key in ('video_id', 'frame_id'):
        without = [image for image in images if image.get(key) is None]
        if without and len(without) < len(images):
            raise ValueError(
                f'{without[0]["where"]}: {key} is missing, other images have one'
            )
    if not images:
        return
    has_video, has_frame = (
        images[0].get(key) is not None for key in ('video_id', 'frame_id')
    )
    if has_frame:
        for image in images:
            image['frame_id'] = integer(image, 'frame_id', image['where'])
            if image['frame_id'] < 0:
                raise ValueError(f'{image["where"]}: frame_id is {image["frame_id"]}')
    if has_video and not isinstance(images[0]['video_id'], (int, str)):
        raise ValueError(f'{images[0]["where"]}: video_id is {images[0]["video_id"]}')
    if not has_video:
        for image in images:
            folder = str(PurePosixPath(image['file_name']).parent)
            image['video_id'] = folder
            if not has_frame and not has_identities:
                image['video_id'] = image['id']
    if has_frame:
        return
    videos = defaultdict(list)
    for image in images:
        videos[image['video_id']].append(image)
    for frames in videos.values():
        frames.sort(key=lambda image: natural_key(image['file_name']))
        for number, image in enumerate(frames):
            image['frame_id'] = number
    if has_video or has_identities:
        notices.append('no frame_id: the frames are in the order of their names')
    else:
        notices.append('no videos, no identities: each picture is a video of its own')


def _identity(item: dict) -> str | None:
    """What tells an object from others, as text; None if there is nothing."""
    _, value = given_identity(item) or ('', None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_name = isinstance(value, (int, float, str)) and not isinstance(value, bool)
    return str(value) if is_name else None


def _is_number(value: object) -> bool:
    """Whether JSON has a finite number there."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) < MAX_NUMBER  # False for nan

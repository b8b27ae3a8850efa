# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""COCO or CocoVID files of data sets, in order, and with masks of their boxes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from .box_readers import TrackedBox, values
from .box_readers import coco as items
from .classes import find_name, fold, suggest
from .files import named_place, write_json
from .rle import mask_to_rle, segmentation_to_rle


class ImageBoxes(NamedTuple):
    """The boxes of one image of a file."""

    image: dict  # as the file has it
    indices: list[int]  # places of the boxes in the file's annotations
    bboxes: list[list[float]]  # x1, y1, x2, y2 in pixels, clipped to the image
    labels: list[int]  # place of each one's class in the file's categories


def read_coco(path: str | Path) -> dict:
    """Content of a COCO or CocoVID file.

    FileNotFoundError without a file, ValueError if it is no JSON or lacks a list.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: no such file of annotations')
    coco = values.read_json(path)
    with named_place(f'{path}, '):
        for key in ('images', 'annotations', 'categories'):
            values.elements(coco, key)
    return coco


def image_boxes(coco: Mapping, path: str | Path) -> list[ImageBoxes]:
    """The boxes that a file wants masks of, in its order.

    Ignore regions (``iscrowd``), boxes outside of their image and images without any
    other are left out. ValueError names the place that breaks the format.
    """
    boxes = defaultdict(list)
    with named_place(f'{path}, '):
        labels = {number: i for i, number in enumerate(items.read_categories(coco))}
        images = {}
        for image_id, image in items.read_images(coco).items():
            images[image_id] = image.content
            values.get(image.content, 'file_name', str, image.where)
            for key in ('width', 'height'):
                values.integer(image.content, key, image.where)
        anns = items.read_annotations(coco, labels, images)
        for i, (where, ann, image_id, category_id, is_crowd) in enumerate(anns):
            if is_crowd:
                continue
            clipped = _clip(ann.get('bbox'), images[image_id], where)
            if clipped is not None:
                boxes[image_id].append((i, clipped, labels[category_id]))
    return [
        ImageBoxes(image, *map(list, zip(*boxes[key])))
        for key, image in images.items()
        if key in boxes
    ]


def write_masks(coco: Mapping, labels: Mapping[int, dict], path: str | Path) -> None:
    """Write a file again with masks of its boxes in place of those it had.

    ``labels`` are RLEs by their places in ``annotations``, with the confidence as
    ``score``, where mmdet's data sets carry it along. ``area`` becomes the mask's, or
    the box's if that is empty; an ignore region's mask its filled box. All else stays.
    """
    images = {image['id']: image for image in coco['images']}
    annotations = []
    for i, ann in enumerate(coco['annotations']):
        ann = {key: value for key, value in ann.items() if key != 'segmentation'}
        ann['area'] = ann['bbox'][2] * ann['bbox'][3]
        if i in labels:
            ann['area'] = int(mask_utils.area(labels[i])) or ann['area']
            ann['segmentation'] = labels[i] | dict(score=round(labels[i]['score'], 4))
        elif ann.get('iscrowd'):
            image = images[ann['image_id']]
            clipped = _clip(ann['bbox'], image, f'annotations[{i}]') or [0] * 4
            # The pixels whose centres the box covers.
            x1, y1, x2, y2 = np.ceil(np.array(clipped) - 0.5).astype(int)
            mask = np.zeros((image['height'], image['width']), dtype=bool)
            mask[y1:y2, x1:x2] = True
            ann['segmentation'] = dict(size=[*mask.shape], counts=mask_to_rle(mask))
        annotations.append(ann)
    write_json(path, dict(coco, annotations=annotations))


def _clip(bbox: object, image: dict, where: str) -> list[float] | None:
    box = TrackedBox(0, 0, '', values.xywh(bbox, f'{where}: bbox'), False, where)
    return box.clipped(image['height'], image['width'])


def order_coco(
    data: bytes, path: str, classes: Sequence[str], with_mask: bool
) -> tuple[dict, list[str]]:
    """Read a COCO or CocoVID file for a data set with given classes.

    Classes go by their names in any case and order. Frames are sorted by video and
    ``frame_id``. Identities are ``track_id``, ``instance_id`` or
    ``attributes.track_id``, per video or over the file. Without videos and frame
    numbers, a file with identities has one video per folder, in the order of names;
    else each picture is a video.

    ``data`` is the content of the file ``path``; ``with_mask`` keeps ``segmentation``.
    Returns CocoVID with the categories 1, 2, ... of ``classes``, ``instance_id``
    from 1 over the file, and every ``id`` and ``area`` (without masks, the box's), and
    notices. ValueError names what breaks the format or contradicts the rest.
    """
    coco, notices = values.read_json(path, data), []
    with named_place(f'{path}: '):
        names = items.read_categories(coco)
        labels = _label_categories(names, classes, notices)
        images = items.read_images(coco)
        annotations, left_out = [], Counter()
        anns = items.read_annotations(coco, names, images, required=False)
        for where, item, image_id, category, is_crowd in anns:
            if labels[category] is None and not is_crowd:
                left_out[names[category]] += 1
                continue
            bbox = values.get(item, 'bbox', list, where)
            if len(bbox) != 4 or not all(map(_is_number, bbox)):
                raise ValueError(f'{where}: bbox is {str(bbox)[:80]}, no x, y, w, h')
            bbox = [float(value) for value in bbox]
            has_area = with_mask and _is_number(item.get('area'))
            ann = item | dict(
                id=len(annotations) + 1,
                image_id=image_id,
                bbox=bbox,
                area=item['area'] if has_area else bbox[2] * bbox[3],
                # A region of unknown content has no class, but the format wants one.
                category_id=labels[category] or 1,
                iscrowd=int(is_crowd),
            )
            if not with_mask:
                ann.pop('segmentation', None)
            key = None if is_crowd else values.identity_of(item, where)
            annotations.append((ann, key, where))
        if left_out:
            others = ', '.join(f'{n} of {name}' for name, n in left_out.items())
            notices.append(f'left out: {others}')
        has_identities = any(key is not None for _, key, _ in annotations)
        ordered = {im['id']: im for im in _order(images, has_identities, notices)}
        _number_tracks(annotations, ordered, classes, notices)
    videos = dict.fromkeys(image['video_id'] for image in ordered.values())
    content = dict(
        categories=[dict(id=i, name=name) for i, name in enumerate(classes, 1)],
        videos=[dict(id=number) for number in videos],
        images=[*ordered.values()],
        annotations=[ann for ann, *_ in annotations],
    )
    return content, notices


def _label_categories(
    names: dict[int, str], classes: Sequence[str], notices: list[str]
) -> dict[int, int | None]:
    """Category number of ours, None: left out, of each of the file's."""
    for i, name in enumerate(names.values()):
        if find_name(name, list(names.values())[:i]) is not None:
            raise ValueError(f"categories[{i}]: a second category of the name '{name}'")
    numbers = {fold(name): i for i, name in enumerate(classes, 1)}
    labels = {number: numbers.get(fold(name)) for number, name in names.items()}
    missing = [n for n in classes if find_name(n, names.values()) is None]
    foreign = [names[number] for number, label in labels.items() if label is None]
    if missing and (foreign or len(missing) == len(classes)):
        text = f"there is no category '{missing[0]}' in the file"
        text += f'{suggest(missing[0], foreign)} (classes: {", ".join(classes)};'
        known = ', '.join(names.values()) or 'none'
        raise ValueError(f'{text} categories of the file: {known})')
    if missing:
        notices.append(f'the file knows no {", ".join(missing)}')
    return labels


def _order(images: dict, has_identities: bool, notices: list[str]) -> list[dict]:
    """Images with ``video_id`` from 1 and ``frame_id``, sorted by them."""
    videos = defaultdict(dict)
    for image_id, image in images.items():
        values.get(image.content, 'file_name', str, image.where)
        key = image.video
        if key is None:
            is_alone = image.number is None and not has_identities
            key = image_id if is_alone else str(PurePosixPath(image.name).parent)
        videos[key][image_id] = image
    if images and image.number is None:
        notices.append(
            'no frame_id: the frames are in the order of their names'
            if has_identities or image.video is not None
            else 'no videos, no identities: each picture is a video of its own'
        )
    ordered = []
    for video_id, own in enumerate(videos.values(), 1):
        frames = items.number_frames(own)
        for image_id in sorted(own, key=frames.get):
            content, where = own[image_id].content, own[image_id].where
            shape = {k: values.integer(content, k, where) for k in ('width', 'height')}
            place = dict(id=image_id, video_id=video_id, frame_id=frames[image_id])
            ordered.append(content | place | shape)
    return ordered


def _number_tracks(
    annotations: list[tuple], images: dict, classes: Sequence[str], notices: list[str]
) -> None:
    """Give each identity of each video its number over the file, and check the rest."""
    tracks, class_of, lengths, in_frame, empty = {}, {}, Counter(), {}, []
    num_without = 0
    for ann, key, where in annotations:
        image = images[ann['image_id']]
        size, (*_, w, h) = (image['height'], image['width']), ann['bbox']
        if isinstance(ann.get('segmentation'), dict):  # before it is decoded
            with named_place(f'{where}: '):
                segmentation_to_rle(ann['segmentation'], size)
        # Of those mmdet's data sets leave out without a word.
        is_outside = _clip(ann['bbox'], image, where) is None
        if is_outside or ann['area'] <= 0 or w < 1 or h < 1:
            empty.append(where)
        track = image['video_id'], key
        if key is None:
            num_without += not ann['iscrowd']
            track = len(tracks), None
        else:
            name = classes[ann['category_id'] - 1]
            before, first = class_of.setdefault(track, (name, where))
            if before != name:
                text = f'{where}: track {key} is a {name}, in {first} a {before}'
                raise ValueError(text)
            first = in_frame.setdefault((image['id'], key), where)
            if first != where:
                text = f'{where}: track {key} is in image {image["id"]} a second time'
                raise ValueError(f'{text} (first in {first})')
            lengths[track] += 1
        ann['instance_id'] = tracks.setdefault(track, len(tracks) + 1)
    if empty:
        notice = f'left out: {len(empty)} boxes outside of their image or smaller than'
        notices.append(f'{notice} a pixel, the first is {empty[0]}')
    if num_without:
        notice = f'{num_without} boxes have no identity (track_id, instance_id or'
        notices.append(f'{notice} attributes.track_id): each is a track of its own')
    if len(lengths) > 1 and max(lengths.values()) == 1:
        notices.append(f'all {len(lengths)} tracks are one frame long')


def _is_number(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) < values.MAX_NUMBER  # False for nan

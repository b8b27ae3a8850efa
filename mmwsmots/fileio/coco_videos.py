# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""A COCO or CocoVID file with its classes, frames and identities in order."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from .box_readers.coco_items import (
    number_frames,
    read_annotations,
    read_categories,
    read_images,
)
from .box_readers.identities import identity_of
from .box_readers.json_items import get, integer, parse_json
from .box_readers.tracked_box import MAX_NUMBER
from .class_names import find_name, fold, suggest
from .named_place import named_place
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
        images = read_images(self.coco)
        annotations = self._read_annotations(labels, names, images)
        has_identities = any(ann['key'] is not None for ann in annotations)
        images = self._order_images(images, has_identities)
        self._check_masks(annotations, images)
        categories = [dict(id=i, name=name) for i, name in enumerate(self.classes, 1)]
        videos = dict.fromkeys(image['video_id'] for image in images)
        coco = dict(
            categories=categories,
            videos=[dict(id=number) for number in videos],
            images=images,
            annotations=self._number_tracks(annotations, images),
        )
        return coco, self.notices

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

    def _read_annotations(self, labels: dict, names: dict, images: dict) -> list[dict]:
        """Annotations of our classes, with the identity as ``key``."""
        annotations, left_out = [], Counter()
        for where, item, image_id, category, is_crowd in read_annotations(
            self.coco, names, images, required=False
        ):
            if labels[category] is None and not is_crowd:
                left_out[names[category]] += 1
                continue
            bbox = get(item, 'bbox', list, where)
            if len(bbox) != 4 or not all(map(_is_number, bbox)):
                raise ValueError(f'{where}: bbox is {str(bbox)[:80]}, no x, y, w, h')
            ann = dict(item, bbox=[float(value) for value in bbox])
            if not self.with_mask:
                ann.pop('segmentation', None)
            if not self.with_mask or not _is_number(ann.get('area')):
                ann['area'] = bbox[2] * bbox[3]
            ann.update(
                id=len(annotations) + 1,
                image_id=image_id,
                # A region of unknown content has no class, but the format wants one.
                category_id=labels[category] or 1,
                iscrowd=int(is_crowd),
                key=None if is_crowd else identity_of(item, where),
                where=where,
            )
            annotations.append(ann)
        if left_out:
            others = ', '.join(f'{n} of {name}' for name, n in left_out.items())
            self.notices.append(f'left out: {others}')
        return annotations

    def _order_images(self, images: dict, has_identities: bool) -> list[dict]:
        """Images with ``video_id`` from 1 and ``frame_id``, sorted by them."""
        videos = defaultdict(dict)
        for image_id, image in images.items():
            get(image.content, 'file_name', str, image.where)
            key = image.video
            if key is None:
                key = str(PurePosixPath(image.name).parent)
                if image.number is None and not has_identities:
                    key = image_id
            videos[key][image_id] = image
        some = next(iter(images.values()), None)
        if some is not None and some.number is None:
            self.notices.append(
                'no frame_id: the frames are in the order of their names'
                if has_identities or some.video is not None
                else 'no videos, no identities: each picture is a video of its own'
            )
        ordered = []
        for video_id, own in enumerate(videos.values(), 1):
            frames = number_frames(own)
            for image_id in sorted(own, key=frames.get):
                content, where = own[image_id].content, own[image_id].where
                image = dict(content, id=image_id, video_id=video_id)
                image['frame_id'] = frames[image_id]
                for key in ('width', 'height'):
                    image[key] = integer(content, key, where)
                ordered.append(image)
        return ordered

    def _check_masks(self, annotations: list[dict], images: list[dict]) -> None:
        """Raise if a run-length encoding is not of its image, before it is decoded."""
        sizes = {image['id']: (image['height'], image['width']) for image in images}
        for ann in annotations:
            if isinstance(ann.get('segmentation'), dict):
                with named_place(f'{ann["where"]}: '):
                    segmentation_to_rle(ann['segmentation'], sizes[ann['image_id']])

    def _number_tracks(self, annotations: list, images: list) -> list:
        """Give each identity of each video its number over the file."""
        video_of = {image['id']: image['video_id'] for image in images}
        tracks, class_of, lengths, in_frame = {}, {}, Counter(), {}
        num_without = 0
        for ann in annotations:
            key, where = ann.pop('key'), ann.pop('where')
            image = ann['image_id']
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


def _is_number(value: object) -> bool:
    """Whether JSON has a finite number there."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) < MAX_NUMBER  # False for nan

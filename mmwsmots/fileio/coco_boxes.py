# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The boxes of a COCO or CocoVID file, and the same file with masks of them."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from .atomic_write import write_json
from .box_readers import TrackedBox
from .box_readers.coco import read_annotations, read_categories, read_images
from .box_readers.values import elements, get, integer, read_json, xywh
from .rle import mask_to_rle
from .text_lines import named_place


class ImageBoxes(NamedTuple):
    """The boxes of one image of a file."""

    image: dict  # as the file has it
    indices: list[int]  # places of the boxes in the file's annotations
    bboxes: list[list[float]]  # x1, y1, x2, y2 in pixels, clipped to the image
    labels: list[int]  # place of each one's class in the file's categories


def read_coco(path: str | Path) -> dict:
    """Content of a COCO or CocoVID file.

    FileNotFoundError if there is no such file, ValueError if it is no JSON, or a list
    that COCO needs is missing.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: no such file of annotations')
    coco = read_json(path)
    with named_place(f'{path}, '):
        for key in ('images', 'annotations', 'categories'):
            elements(coco, key)
    return coco


def image_boxes(coco: Mapping, path: str | Path) -> list[ImageBoxes]:
    """The boxes that a file wants masks of.

    Ignore regions (``iscrowd``) and boxes that lie outside of their image are left
    out, and with them images without any other box. The order is that of the file.
    ValueError names the place of an element that breaks the format.
    """
    boxes = defaultdict(list)
    with named_place(f'{path}, '):
        labels = {number: i for i, number in enumerate(read_categories(coco))}
        images = {}
        for image_id, image in read_images(coco).items():
            images[image_id] = image.content
            get(image.content, 'file_name', str, image.where)
            for key in ('width', 'height'):
                integer(image.content, key, image.where)
        anns = read_annotations(coco, labels, images)
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

    A mask's confidence is the entry ``score`` of its RLE, where every data set of
    mmdet carries it along. ``area`` becomes the mask's, or the box's if the mask is
    empty. The mask of an ignore region becomes its filled box. All else stays.
    ``labels`` are RLEs with ``score`` by their places in ``annotations``.
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
    """The part of a box x, y, w, h in its image as x1, y1, x2, y2, if there is any."""
    box = TrackedBox(0, 0, '', xywh(bbox, f'{where}: bbox'), False, where)
    return box.clipped(image['height'], image['width'])

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

HEIGHT, WIDTH = 48, 64


def disk(x, y, radius):
    """Pixels within a radius of a point, (HEIGHT, WIDTH) bool."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


def rle_of(mask):
    rle = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(rle, counts=rle['counts'].decode())


def picture(masks):
    """Disks of one colour on another, with noise."""
    image = np.full((HEIGHT, WIDTH, 3), (60, 90, 70), np.uint8)
    for mask in masks:
        image[mask] = (40, 60, 210)
    noise = np.random.default_rng(0).integers(-5, 6, image.shape)
    return (image + noise).astype(np.uint8)


# Masks of each photograph, with their classes.
SCENES = {
    1: [(disk(15, 20, 9), 'car'), (disk(45, 25, 12), 'person')],
    2: [(disk(20, 24, 15), 'person')],
    3: [(disk(40, 20, 11), 'car'), (disk(12, 36, 6), 'kite')],
}
CATEGORIES = dict(person=1, car=3, kite=38)


def write_coco(path, with_masks=True, crowd=True):
    annotations = []
    for image_id, scene in SCENES.items():
        for mask, label in scene:
            ann = dict(
                id=len(annotations) + 11,
                image_id=image_id,
                category_id=CATEGORIES[label],
                bbox=mask_utils.toBbox(mask_utils.encode(np.asfortranarray(mask)))
                .astype(float)
                .tolist(),
                iscrowd=0,
            )
            if with_masks:
                ann.update(segmentation=rle_of(mask), area=int(mask.sum()))
            annotations.append(ann)
    if crowd:
        region = np.zeros((HEIGHT, WIDTH), bool)
        region[:5] = True
        annotations.append(
            dict(
                id=99,
                image_id=2,
                category_id=1,
                bbox=[0, 0, WIDTH, 5],
                iscrowd=1,
                segmentation=rle_of(region),
            )
        )
    images = [
        dict(id=i, file_name=f'{i:04d}.png', height=HEIGHT, width=WIDTH) for i in SCENES
    ]
    categories = [dict(id=i, name=name) for name, i in CATEGORIES.items()]
    coco = dict(images=images, categories=categories, annotations=annotations)
    path.write_text(json.dumps(coco))
    return coco


@pytest.fixture
def photos(tmp_path):
    """Folder of three photographs that are train, dev and test split at once."""
    folder = tmp_path / 'coco_subset'
    (folder / 'images').mkdir(parents=True)
    for image_id, scene in SCENES.items():
        image = picture([mask for mask, _ in scene])
        cv2.imwrite(str(folder / f'images/{image_id:04d}.png'), image)
    for split in ('train', 'dev'):
        write_coco(folder / f'{split}.json')
    write_coco(folder / 'test_boxes.json', with_masks=False)
    return folder

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Valid files of masks, and what must hold of what their readers make of them.

Whatever is accepted, each mask has the pixels and lies on the picture that the file
says, as pycocotools and OpenCV read it. Files of COCO go through the readers of the
converter, of the data sets and of tools/label_dataset.py.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmwsmots.fileio.box_readers import read_boxes
from mmwsmots.fileio.coco_files import image_boxes, order_coco, read_coco, write_masks
from mmwsmots.fileio.mask_files import read_masks

SIZE = 12, 20  # height, width
NUM_FRAMES = 4
CLASSES = 'car', 'Pedestrian', 'лодка'


def _segmentation(rng: np.random.Generator) -> dict | list:
    """A polygon, or a plain or compressed RLE."""
    x, y, w, h = rng.integers(1, 8, 4).tolist()
    if rng.random() < 0.3:
        return [[x, y, x + w, y, x + w, y + h, x, y + h]]
    mask = np.zeros(SIZE, dtype=np.uint8, order='F')
    mask[y : y + h, x : x + w] = 1
    if rng.random() < 0.5:
        edges = np.flatnonzero(np.diff(mask.ravel('F'), prepend=0, append=0))
        counts = np.diff([0, *edges.tolist(), mask.size]).tolist()
    else:
        counts = mask_utils.encode(mask)['counts'].decode()
    return dict(size=list(SIZE), counts=counts)


def _categories() -> list[dict]:
    return [dict(id=i, name=name) for i, name in enumerate(CLASSES, 1)]


def coco(rng: np.random.Generator) -> bytes:
    """CocoVID, or COCO as CVAT writes it, in any order."""
    is_video = rng.random() < 0.6
    images = []
    for frame in rng.permutation(NUM_FRAMES).tolist():
        image = dict(id=frame + 3, file_name=f'clip/{frame:06d}.jpg')
        image.update(width=SIZE[1], height=SIZE[0])
        if is_video:
            image.update(video_id=1, frame_id=frame)
        images.append(image)
    anns = []
    for frame in range(NUM_FRAMES):
        for i in range(int(rng.integers(0, 3))):
            ann = dict(id=len(anns), image_id=frame + 3, category_id=i + 1)
            ann.update(bbox=rng.integers(1, 9, 4).tolist(), segmentation=None)
            ann['segmentation'] = _segmentation(rng)
            ann.update(dict(track_id=i) if is_video else dict(attributes={}))
            ann.get('attributes', {})['track_id'] = i
            anns.append(ann)
    data = dict(images=images, annotations=anns, categories=_categories())
    if is_video:
        data['videos'] = [dict(id=1, name='clip')]
    return json.dumps(data).encode()


def youtube_vis(rng: np.random.Generator) -> bytes:
    """YouTube-VIS."""
    video = dict(id=1, width=SIZE[1], height=SIZE[0], length=NUM_FRAMES)
    video['file_names'] = [f'clip/{i:06d}.jpg' for i in range(NUM_FRAMES)]
    anns = []
    for i in range(2):
        parts = [
            _segmentation(rng) if rng.random() < 0.7 else None
            for _ in range(NUM_FRAMES)
        ]
        anns.append(dict(id=i, video_id=1, category_id=i + 1, segmentations=parts))
    data = dict(videos=[video], annotations=anns, categories=_categories())
    return json.dumps(data).encode()


def picture(rng: np.random.Generator) -> bytes:
    """A 16-bit instance picture, and now and then another picture."""
    ids = np.zeros(SIZE, dtype=np.uint16)
    for i in range(int(rng.integers(1, 4))):
        x, y, w, h = rng.integers(0, 9, 4)
        class_id = int(rng.choice([1, 1, 2, 2, 10, 3]))
        ids[y : y + h + 1, x : x + w + 1] = 1000 * class_id + i
    kind = rng.random()
    if kind < 0.1:
        ids = ids.astype(np.uint8)
    elif kind < 0.2:
        ids = ids[:-1]
    elif kind < 0.3:
        ids = np.dstack([ids] * 3)
    return cv2.imencode('.png', ids)[1].tobytes()


def _pixels(segmentation: dict | list) -> np.ndarray:
    """A segmentation as pycocotools decodes it."""
    if isinstance(segmentation, list):
        rles = mask_utils.frPyObjects(segmentation, *SIZE)
        return mask_utils.decode(mask_utils.merge(rles)).astype(bool)
    if isinstance(segmentation['counts'], list):
        segmentation = mask_utils.frPyObjects(segmentation, *SIZE)
    return mask_utils.decode(segmentation).astype(bool)


def _of_coco(data: dict) -> list[tuple[str, object]]:
    """Picture and segmentation of each annotation."""
    names = {image['id']: image.get('file_name') for image in data['images']}
    anns = data.get('annotations', [])  # a data set may have none
    return [(names[ann['image_id']], ann.get('segmentation')) for ann in anns]


def _of_youtube_vis(data: dict) -> list[tuple[str, object]]:
    """Picture and segmentation of each frame of each track."""
    names = {video['id']: video['file_names'] for video in data['videos']}
    return [
        (names[ann['video_id']][frame], part)
        for ann in data['annotations']
        for frame, part in enumerate(ann['segmentations'])
    ]


def _check_json(path: Path, content: Callable) -> None:
    """Read masks; each has the pixels and the picture of its place in the file."""
    path = shutil.copy(path, path.with_name('input.txt.json'))
    video = read_masks(path, video_name='clip')
    data = json.loads(Path(path).read_text(encoding='utf-8-sig'))
    expected = [(name, part) for name, part in content(data) if part]
    assert len(video.masks) == len(expected), 'masks were lost'
    for mask, (name, part) in zip(video.masks, expected):
        found = video.file_names[mask.frame_id]
        assert name in (found, None, ''), f'{name} is taken for {found}'
        assert np.array_equal(video.decode(mask), _pixels(part)), 'other pixels'


def _check_data_set(path: Path) -> None:
    """What a data set trains on: each annotation stays on its picture."""
    data, _ = order_coco(path.read_bytes(), str(path), CLASSES, with_mask=True)
    given = json.loads(path.read_text(encoding='utf-8-sig'))
    names = {category['id']: category['name'] for category in given['categories']}
    expected = {}
    for ann, (name, part) in zip(given.get('annotations', []), _of_coco(given)):
        key = name, names[ann['category_id']].casefold(), *map(float, ann['bbox'])
        expected.setdefault(key, []).append(part)
    images = {image['id']: image['file_name'] for image in data['images']}
    for ann in data['annotations']:
        if ann['iscrowd']:
            continue
        name = CLASSES[ann['category_id'] - 1].casefold()
        key = images[ann['image_id']], name, *ann['bbox']
        assert ann.get('segmentation') in expected[key], f'{key} is none of the file'


def _check_label_dataset(path: Path) -> None:
    """The boxes that get masks, and the file that is written again."""
    data = read_coco(path)
    boxes = image_boxes(data, path)
    anns = data['annotations']
    for image in boxes:
        for index, (x1, y1, x2, y2) in zip(image.indices, image.bboxes):
            assert anns[index]['image_id'] == image.image['id'], 'another picture'
            assert 0 <= x1 < x2 <= image.image['width'], 'outside'
            assert 0 <= y1 < y2 <= image.image['height'], 'outside'
    write_masks(data, {}, path.with_name('again.json'))


def _check_pictures(path: Path) -> None:
    """Read the picture behind a valid one, as masks and as boxes."""
    folder = path.parent / 'input.txt.pngs'
    folder.mkdir(exist_ok=True)
    first = np.zeros(SIZE, dtype=np.uint16)
    first[2:5, 3:9] = 1007
    cv2.imwrite(str(folder / '000000.png'), first)
    shutil.copy(path, folder / '000001.png')
    masks, boxes = read_masks(folder).masks, read_boxes(folder).boxes
    found = cv2.imread(str(folder / '000001.png'), cv2.IMREAD_UNCHANGED)
    places = [
        (frame, value)
        for frame, ids in enumerate((first, found))
        for value in np.unique(ids[ids > 0]).tolist()
    ]
    assert [(m.frame_id, m.track_id) for m in masks] == places, 'other objects'
    assert [(b.frame_id, b.track_id) for b in boxes] == places, 'other boxes'
    for mask, box, (frame, value) in zip(masks, boxes, places):
        pixels = (first, found)[frame] == value
        rle = dict(size=list(SIZE), counts=mask.rle.encode())
        assert np.array_equal(mask_utils.decode(rle) > 0, pixels), 'other pixels'
        x, y, w, h = cv2.boundingRect(pixels.astype(np.uint8))
        assert box.bbox == (x, y, x + w, y + h), 'another box'


def mask_targets() -> dict[str, tuple[Callable, Callable]]:
    """What to fuzz: how to make a file, and how to check what is made of it.

    Returns:
        dict[str, tuple[Callable, Callable]]: By the names of the readers.
    """
    return {
        'masks coco': (coco, lambda path: _check_json(path, _of_coco)),
        'masks youtube_vis': (
            youtube_vis,
            lambda path: _check_json(path, _of_youtube_vis),
        ),
        'masks png': (picture, _check_pictures),
        'data set coco': (coco, _check_data_set),
        'label_dataset coco': (coco, _check_label_dataset),
    }

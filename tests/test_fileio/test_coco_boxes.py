# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy
import json

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmwsmots.fileio.coco_files import image_boxes, read_coco, write_masks
from mmwsmots.fileio.rle import mask_to_rle

HEIGHT, WIDTH = 20, 30
FALSE = dict(size=[1, 1], counts='not a mask')


def annotation(index, image_id, bbox, **fields):
    fields = dict(category_id=7, iscrowd=0, track_id=40 + index, colour='red') | fields
    return (
        dict(id=100 + index, image_id=image_id, bbox=bbox, area=1.0, segmentation=FALSE)
        | fields
    )


@pytest.fixture
def coco():
    return dict(
        info=dict(year=2026),
        videos=[dict(id=3, name='a')],
        categories=[dict(id=9, name='лодка'), dict(id=7, name='bus')],
        images=[
            dict(id=i, file_name=f'a/{i}.png', width=WIDTH, height=HEIGHT, video_id=3)
            for i in (5, 4, 6)
        ],
        annotations=[
            annotation(0, 4, [2, 3, 10, 5]),
            annotation(1, 5, [-4, 15, 8.5, 50], category_id=9),
            annotation(2, 4, [30, 3, 10, 5]),  # outside
            annotation(3, 4, [20.4, 2.6, 5, 4], iscrowd=1),
            annotation(4, 4, [0, 0, 0.4, 0.4]),
            annotation(5, 6, [0, 0, 30, 20], iscrowd=1),
        ],
    )


def test_boxes_by_image(coco):
    first, second = image_boxes(coco, 'boxes.json')
    assert first == (coco['images'][0], [1], [[0, 15, 4.5, 20]], [0])
    assert second.image['id'] == 4
    assert second.indices == [0, 4]
    assert second.bboxes == [[2, 3, 12, 8], [0, 0, 0.4, 0.4]]
    assert second.labels == [1, 1]


def test_only_masks_and_areas_change(coco, tmp_path):
    masks = np.zeros((3, HEIGHT, WIDTH), dtype=bool)
    masks[0, 3:7, 2:9] = masks[1, 16:20, :3] = True
    labels = {
        index: dict(size=[HEIGHT, WIDTH], counts=mask_to_rle(mask), score=score)
        for index, mask, score in zip((0, 1, 4), masks, (0.91234, 0.5, 0.0))
    }
    before = copy.deepcopy(coco)
    write_masks(coco, labels, tmp_path / 'new/out.json')
    assert coco == before
    written = json.loads((tmp_path / 'new/out.json').read_text())
    by_index = written['annotations']
    changed = 'segmentation', 'area'
    for ann, old in zip(by_index, coco['annotations'], strict=True):
        assert {k: v for k, v in ann.items() if k not in changed} == {
            k: v for k, v in old.items() if k not in changed
        }
    assert {k: v for k, v in written.items() if k != 'annotations'} == {
        k: v for k, v in coco.items() if k != 'annotations'
    }
    # pycocotools takes the masks as they are.
    for index, mask in zip((0, 1, 4), masks):
        assert (mask_utils.decode(by_index[index]['segmentation']) == mask).all()
    scores = [by_index[index]['segmentation']['score'] for index in (0, 1, 4)]
    assert scores == [0.9123, 0.5, 0.0]
    # An empty mask does not make the box one of no area, which loaders drop.
    areas = [by_index[index]['area'] for index in (0, 1, 4)]
    assert areas == pytest.approx([28, 12, 0.16])
    # Of ignore regions the boxes remain, pixel centres deciding.
    region = mask_utils.decode(by_index[3]['segmentation']).astype(bool)
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    expected[3:7, 20:25] = True
    assert (region == expected).all()
    assert mask_utils.decode(by_index[5]['segmentation']).all()
    assert 'segmentation' not in by_index[2]
    assert 'not a mask' not in json.dumps(written)


@pytest.mark.parametrize(
    ('key', 'index', 'change', 'message'),
    [
        ('annotations', 1, dict(bbox=[1, 2, 3]), r'annotations\[1\]: bbox: expected 4'),
        (
            'annotations',
            1,
            dict(bbox=[1, 2, 3, float('nan')]),
            r'\[1\]: bbox: number 4 is nan',
        ),
        (
            'annotations',
            2,
            dict(image_id=99),
            r'annotations\[2\]: there is no image 99',
        ),
        ('annotations', 0, dict(category_id=1), r'\[0\]: there is no category 1'),
        ('annotations', 0, dict(image_id=[1]), r"\[0\]: image_id is '\[1\]'"),
        ('images', 2, dict(id=4), r'images\[2\]: a second image of the id 4'),
        ('images', 1, dict(width='40'), r"images\[1\]: width is '40'"),
        ('images', 1, dict(id={}), r"images\[1\]: id is '{}'"),
        ('categories', 0, dict(id=None), r'categories\[0\]: id is missing'),
    ],
)
def test_what_breaks_the_format_is_named(coco, key, index, change, message):
    coco[key][index].update(change)
    with pytest.raises(ValueError, match=message):
        image_boxes(coco, 'boxes.json')


def test_no_coco_file(tmp_path):
    path = tmp_path / 'boxes.json'
    with pytest.raises(FileNotFoundError, match=r'boxes\.json: no such file'):
        read_coco(path)
    for text in ('{', '[]', '{"images": []}', '{"images": [1], "annotations": []}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r'boxes\.json(: no JSON|, )'):
            read_coco(path)

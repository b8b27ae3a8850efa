# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy
import json
import math
import runpy
import sys

import pytest

from mmwsmots.evaluation.mots_eval import tight_boxes
from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.fileio.box_readers.coco import read_cocovid
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, read_mots_txt

COCO = dict(
    categories=[dict(id=3, name='Car'), dict(id=5, name='bus')],
    videos=[dict(id=1, name='a'), dict(id=2, name='b')],
    images=[
        dict(id=11, video_id=1, frame_id=0, file_name='a/0.png'),
        dict(id=12, video_id=1, frame_id=1, file_name='a/1.png'),
        dict(id=21, video_id=2, frame_id=0, file_name='b/0.png'),
    ],
    annotations=[
        dict(image_id=12, category_id=3, instance_id=70, bbox=[1, 2, 3, 4.5]),
        dict(image_id=11, category_id=5, track_id=7, instance_id=71, bbox=[0, 0, 1, 1]),
        dict(image_id=21, category_id=3, track_id=7, bbox=[5, 5, 5, 5]),
        dict(image_id=12, category_id=3, track_id=8, bbox=[9, 9, 9, 9], iscrowd=1),
    ],
)


@pytest.fixture
def read(tmp_path):
    def run(coco, *args):
        path = tmp_path / 'boxes.json'
        path.write_text(coco if isinstance(coco, str) else json.dumps(coco))
        return read_cocovid(path, *args).boxes

    return run


def test_fields(read):
    assert read(COCO, 'a') == [
        TrackedBox(1, 70, 'Car', (1, 2, 4, 6.5), False, 'annotations[0]'),
        TrackedBox(0, 7, 'bus', (0, 0, 1, 1), False, 'annotations[1]'),
        TrackedBox(1, 8, 'Car', (9, 9, 18, 18), True, 'annotations[3]'),
    ]
    assert [box.where for box in read(COCO, 'b')] == ['annotations[2]']


def test_the_only_video_needs_no_name(read):
    coco = copy.deepcopy(COCO)
    del coco['videos'], coco['annotations'][2], coco['images'][2]
    for image in coco['images']:
        del image['video_id']
    assert len(read(coco, 'other')) == 3


def change(place, **fields):
    coco = copy.deepcopy(COCO)
    key, index = place
    for name, value in fields.items():
        if value is None:
            del coco[key][index][name]
        else:
            coco[key][index][name] = value
    return coco


@pytest.mark.parametrize(
    ('coco', 'message'),
    [
        ('{"images": ', 'no JSON'),
        ('[' * 100_000, 'nested too deeply'),
        ('[]', 'top level: expected an object'),
        ({'images': []}, 'top level: there is no list "categories"'),
        (dict(COCO, annotations=[7]), r'annotations\[0\]: expected an object'),
        (
            change(('videos', 1), name='c'),
            'none of its 2 videos have the name b; .* a, c',
        ),
        (change(('videos', 0), name='b'), r'videos\[1\]: a second video .* b'),
        (change(('images', 2), id=11), r'images\[2\]: a second image of the id 11'),
        (change(('categories', 1), id=3), r'categories\[1\]: a second .* id 3'),
        (change(('categories', 1), name=' '), r'categories\[1\]: its name is blank'),
        (change(('annotations', 2), iscrowd='0'), "iscrowd is '0', not 0 or 1"),
        (change(('annotations', 2), score=math.nan), 'score is nan'),
        (change(('images', 2), frame_id=-1), r'images\[2\]: frame_id is -1'),
        (change(('images', 2), id=True), r"images\[2\]: id is 'True'"),
        (change(('annotations', 2), image_id=9), r'annotations\[2\]: .* no image 9'),
        (change(('annotations', 2), category_id=1), 'there is no category 1'),
        (change(('annotations', 2), track_id=-2), '-2 is no identity'),
        (change(('annotations', 2), track_id=[1]), r'track_id: \[1\] is no identity'),
        (change(('annotations', 2), track_id=math.inf), 'inf is no identity'),
        (change(('annotations', 2), bbox=[1, 2, 3]), 'bbox: expected 4 numbers'),
        (
            change(('annotations', 2), bbox=[1, 2, 3, 'x']),
            'bbox: number 4 is no number',
        ),
        (change(('annotations', 2), bbox=[1, 2, 3, None]), 'bbox: number 4 is missing'),
        (
            change(('annotations', 0), image_id=21, track_id=7),
            r'\[2\]: duplicate',
        ),
    ],
)
def test_bad_element_is_named(read, coco, message):
    with pytest.raises(ValueError, match=rf'boxes\.json(, |: ).*{message}'):
        read(coco, 'b')


def test_real_annotations(repo, shared_data, tmp_path, monkeypatch):
    """What kitti_mots2coco.py writes, against the masks' own text."""
    root = tmp_path / 'kitti'
    root.mkdir()
    for name in ('instances_txt', 'seqmaps'):
        (root / name).symlink_to(shared_data / 'kitti_mots' / name)
    tool = repo / 'tools/dataset_converters/kitti_mots2coco.py'
    args = ['--split', 'val', '--sequences', '0010', '0016']
    monkeypatch.setattr(sys, 'argv', [str(tool), str(root), *args])
    runpy.run_path(str(tool), run_name='__main__')
    for name in ('0010', '0016'):
        objects = read_mots_txt(root / f'instances_txt/{name}.txt')
        objects = [obj for obj in objects if obj.class_id != IGNORE_CLASS_ID]
        expected = {
            (obj.frame_id, obj.track_id, ('car', 'pedestrian')[obj.class_id - 1], *box)
            for obj, box in zip(objects, tight_boxes(objects).tolist())
        }
        boxes = read_cocovid(root / 'annotations/kitti_mots_val.json', name).boxes
        found = {
            (box.frame_id, box.track_id, box.class_name, *box.bbox)
            for box in boxes
            if not box.is_ignored
        }
        assert found == expected
        assert any(box.is_ignored for box in boxes)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json

import numpy as np
import pytest
from mmdet.registry import DATASETS, TRANSFORMS

from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.rle import mask_to_rle

HEIGHT, WIDTH = 40, 60


def rle_of(box):
    x, y, w, h = box
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[y : y + h, x : x + w] = True
    mask[y, x] = False
    return dict(size=[HEIGHT, WIDTH], counts=mask_to_rle(mask))


def write_annotations(path):
    """One video of three frames: two objects, one and an ignore region, none."""
    builder = CocoVIDBuilder({'car': 1, 'pedestrian': 2})
    names = [f'0000/{i:06d}.png' for i in range(3)]
    video = builder.add_video('0000', names, (HEIGHT, WIDTH))
    for frame, category, track, box in (
        (0, 1, 1001, [0, 0, 10, 10]),
        (0, 2, 2001, [20, 10, 5, 20]),
        (1, 2, 2001, [22, 10, 5, 20]),
    ):
        fields = dict(bbox=box, area=box[2] * box[3] - 1, segmentation=rle_of(box))
        builder.add_object(video, frame, category, track, **fields)
    box = [40, 0, 20, 10]
    fields = dict(bbox=box, area=199, segmentation=rle_of(box))
    builder.add_object(video, 1, None, 10000, **fields)
    builder.write(path)
    return path


@pytest.fixture
def ann_file(tmp_path):
    return write_annotations(tmp_path / 'train.json')


def build(ann_file, **kwargs):
    return DATASETS.build(
        dict(
            type='KITTIMOTSDataset',
            ann_file=str(ann_file),
            data_prefix=dict(img_path='image_02'),
            pipeline=[],
            **kwargs,
        )
    )


def test_instances(ann_file):
    dataset = build(ann_file, test_mode=True)
    assert dataset.metainfo['classes'] == ('car', 'pedestrian')
    video = dataset.get_data_info(0)
    assert video['video_length'] == 3
    frames = video['images']
    assert [frame['frame_id'] for frame in frames] == [0, 1, 2]
    assert frames[1]['img_path'] == 'image_02/0000/000001.png'
    assert frames[0]['instances'] == [
        dict(ignore_flag=0, bbox=[0, 0, 10, 10], bbox_label=0, instance_id=1),
        dict(ignore_flag=0, bbox=[20, 10, 25, 30], bbox_label=1, instance_id=2),
    ]
    assert frames[1]['instances'] == [
        dict(ignore_flag=0, bbox=[22, 10, 27, 30], bbox_label=1, instance_id=2),
        dict(ignore_flag=1, bbox=[40, 0, 60, 10], bbox_label=0, instance_id=3),
    ]
    assert frames[2]['instances'] == []


def test_masks_come_only_when_asked_for(ann_file):
    frames = build(ann_file, test_mode=True, with_mask=True).get_data_info(0)['images']
    masks = [i['mask'] for frame in frames for i in frame['instances']]
    boxes = [0, 0, 10, 10], [20, 10, 5, 20], [22, 10, 5, 20], [40, 0, 20, 10]
    assert masks == [rle_of(box) for box in boxes]


@pytest.mark.parametrize('area', [0, -1, 1e9])
def test_without_masks_nothing_depends_on_them(tmp_path, ann_file, area):
    coco = json.loads(ann_file.read_text())
    for ann in coco['annotations']:
        ann['segmentation'] = 'POISON'
        ann['area'] = area
    poisoned = tmp_path / 'poisoned.json'
    poisoned.write_text(json.dumps(coco))
    clean, other = build(ann_file), build(poisoned)
    assert clean.get_data_info(0) == other.get_data_info(0)
    assert 'POISON' not in str(other.__dict__)


def test_frames_without_objects_can_stay_in_training(ann_file):
    assert build(ann_file).num_all_imgs == 2  # mmdet's default leaves them out
    kept = build(ann_file, filter_cfg=dict(filter_empty_gt=False))
    assert kept.num_all_imgs == 3


def test_unknown_class_in_the_file_is_left_out(tmp_path, ann_file):
    coco = json.loads(ann_file.read_text())
    coco['categories'].append(dict(id=3, name='tram'))
    coco['annotations'][0]['category_id'] = 3
    path = tmp_path / 'tram.json'
    path.write_text(json.dumps(coco))
    instances = build(path, test_mode=True).get_data_info(0)['images'][0]['instances']
    assert [i['bbox_label'] for i in instances] == [1]


def test_identities_of_any_size_are_numbered(tmp_path, ann_file):
    coco = json.loads(ann_file.read_text())
    for ann in coco['annotations']:
        del ann['track_id']
    car, walker, later, crowd = coco['annotations']
    car['instance_id'] = 0
    walker['instance_id'] = later['instance_id'] = 2**40
    crowd['instance_id'] = 900300578962  # as COCO numbers its crowds
    second = dict(coco['videos'][0], id=2, name='0001')
    frame = dict(coco['images'][0], id=4, video_id=2)
    coco['videos'].append(second)
    coco['images'].append(frame)
    unnamed = [dict(walker, id=6, image_id=4), dict(walker, id=7, image_id=4)]
    for ann in unnamed:
        del ann['instance_id']
    coco['annotations'] += [dict(walker, id=5, image_id=4), *unnamed]
    path = tmp_path / 'large.json'
    path.write_text(json.dumps(coco))
    dataset = build(path, test_mode=True)
    frames = [image for i in range(2) for image in dataset.get_data_info(i)['images']]
    load = TRANSFORMS.build(dict(type='LoadTrackAnnotations'))
    ids = [load(frame)['gt_instances_ids'].tolist() for frame in frames]
    # The walker goes on; in the second video its number means somebody else.
    assert ids == [[1, 2], [2, 3], [], [4, 5, 6]]

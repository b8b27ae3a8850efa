# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import logging

import pytest
from mmdet.registry import DATASETS
from mmengine.logging import MMLogger

STREET = ('person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck')


def coco_of(categories=('boat',), num_frames=2, **fields):
    """One video; in each frame one box of each category, id and place by category."""
    images = [
        dict(id=i, video_id=1, frame_id=i, file_name=f'clip/{i:06d}.jpg')
        for i in range(num_frames)
    ]
    annotations = [
        dict(image_id=image['id'], category_id=c, bbox=[10 * c, 5, 8, 9], track_id=c)
        for image in images
        for c in range(len(categories))
    ]
    coco = dict(
        categories=[dict(id=i, name=name) for i, name in enumerate(categories)],
        videos=[dict(id=1, name='clip')],
        images=[dict(image, width=100, height=50) for image in images],
        annotations=[dict(ann, id=i) for i, ann in enumerate(annotations, 1)],
    )
    return {**coco, **fields}


@pytest.fixture
def build(tmp_path):
    def build(coco, classes=('boat',), type='MOTSDataset', **kwargs):
        path = tmp_path / 'boxes.json'
        path.write_text(coco if isinstance(coco, str) else json.dumps(coco))
        if classes is not None:
            kwargs['metainfo'] = dict(classes=classes)
        return DATASETS.build(
            dict(type=type, ann_file=str(path), pipeline=[], **kwargs)
        )

    return build


def frames_of(dataset):
    return [
        frame
        for index in range(len(dataset))
        for frame in dataset.get_data_info(index)['images']
    ]


def labels_by_place(dataset):
    """{x of the box: its class name} of all frames."""
    classes = dataset.metainfo['classes']
    return {
        box['bbox'][0]: classes[box['bbox_label']]
        for frame in frames_of(dataset)
        for box in frame['instances']
    }


@pytest.mark.parametrize('order', [STREET, STREET[::-1], sorted(STREET)])
def test_classes_go_by_name_in_any_order(build, order):
    expected = {10.0 * i: name for i, name in enumerate(order)}
    assert labels_by_place(build(coco_of(order), STREET)) == expected


def test_a_data_set_of_two_known_classes_reads_them_by_name_too(build):
    coco = coco_of(('pedestrian', 'car'))
    dataset = build(coco, None, 'KITTIMOTSDataset')
    assert labels_by_place(dataset) == {0.0: 'pedestrian', 10.0: 'car'}
    coco['categories'].reverse()
    dataset = build(coco, None, 'KITTIMOTSDataset')
    assert labels_by_place(dataset) == {0.0: 'pedestrian', 10.0: 'car'}


@pytest.mark.parametrize('name', ['Лодка', ' лодка', 'ЛОДКА'])
def test_case_does_not_count(build, name):
    assert labels_by_place(build(coco_of((name,)), ('лодка',))) == {0.0: 'лодка'}


def test_a_misspelt_class_stops_and_names_both_sides(build):
    with pytest.raises(ValueError) as error:
        build(coco_of(('car', 'bicicle')), ('car', 'bicycle'))
    message = str(error.value)
    assert "boxes.json: there is no category 'bicycle'" in message
    assert "did you mean 'bicicle'?" in message
    assert 'classes: car, bicycle; categories of the file: car, bicicle' in message


def test_other_categories_are_left_out_and_counted(build, caplog_of_mmengine):
    dataset = build(coco_of(('tram', 'boat', 'kite')), ('boat',))
    assert labels_by_place(dataset) == {10.0: 'boat'}
    assert 'left out: 2 of tram, 2 of kite' in caplog_of_mmengine.text


def test_boxes_of_each_class_are_printed(build, caplog_of_mmengine):
    coco = coco_of(('boat', 'kite'), num_frames=3)
    coco['annotations'][1]['iscrowd'] = 1  # not a box to train on
    build(coco, ('kite', 'boat'))
    assert 'kite 2 in 1 tracks, boat 3 in 1 tracks' in caplog_of_mmengine.text


def test_a_class_without_a_category_is_told(build, caplog_of_mmengine):
    build(coco_of(('boat',)), ('boat', 'kite'))
    assert 'the file knows no kite' in caplog_of_mmengine.text


@pytest.mark.parametrize(
    'change',
    [
        lambda coco: coco.update(annotations=[]),
        lambda coco: [ann.update(bbox=[200, 5, 8, 9]) for ann in coco['annotations']],
        lambda coco: [ann.update(iscrowd=1) for ann in coco['annotations']],
        lambda coco: [image.update(width=20) for image in coco['images']],
    ],
)
def test_training_without_a_box_does_not_start(build, change):
    coco = coco_of()
    change(coco)
    with pytest.raises(ValueError, match=r'boxes\.json: no box to train on'):
        build(coco)
    assert len(frames_of(build(coco, test_mode=True))) == 2


def ids_of(dataset):
    """Identity of each box, by frame."""
    return [
        [box['instance_id'] for box in frame['instances']]
        for frame in frames_of(dataset)
    ]


@pytest.mark.parametrize('start', [0, 1, 7])
@pytest.mark.parametrize('place', ['track_id', 'instance_id', 'attributes'])
def test_identities_from_any_number_and_field(build, start, place):
    coco = coco_of(('boat', 'boats'))
    for ann in coco['annotations']:
        ann['category_id'] = 0
        identity = ann.pop('track_id') + start
        if place == 'attributes':
            ann['attributes'] = dict(occluded=False, track_id=identity)
        else:
            ann[place] = identity
    first, second = ids_of(build(coco))
    assert first == second
    assert len(set(first)) == 2


def test_identities_of_two_videos_are_different(build):
    coco = coco_of(num_frames=2)
    coco['images'][1].update(video_id=2, frame_id=0)
    (first,), (second,) = ids_of(build(coco))
    assert first != second


def test_boxes_without_identities_are_tracks_of_their_own(build, caplog_of_mmengine):
    coco = coco_of()
    for ann in coco['annotations']:
        ann['track_id'] = -1
    (first,), (second,) = ids_of(build(coco))
    assert first != second
    assert '2 boxes have no identity' in caplog_of_mmengine.text


def test_tracks_of_one_frame_each_are_told(build, caplog_of_mmengine):
    coco = coco_of()
    for number, ann in enumerate(coco['annotations']):
        ann['track_id'] = number
    build(coco)
    assert 'all 2 tracks are one frame long' in caplog_of_mmengine.text


@pytest.mark.parametrize('bbox', [[500, 5, 8, 9], [10, 5, -8, 9], [10, 5, 0.5, 9]])
def test_boxes_that_mmdet_leaves_out_are_counted(build, caplog_of_mmengine, bbox):
    coco = coco_of()
    coco['annotations'][1]['bbox'] = bbox
    assert sum(len(frame['instances']) for frame in frames_of(build(coco))) == 1
    text = 'left out: 1 boxes outside of their image or smaller than a pixel'
    assert f'{text}, the first is annotations[1]' in caplog_of_mmengine.text


def test_images_in_any_order_with_gaps(build):
    coco = coco_of(num_frames=4)
    for image, number in zip(coco['images'], (8, 2, 4, 1)):
        image['frame_id'] = number
    for test_mode in (False, True):
        frames = frames_of(build(coco, test_mode=test_mode))
        assert [frame['frame_id'] for frame in frames] == [1, 2, 4, 8]
        assert [frame['img_path'][-5] for frame in frames] == ['3', '1', '2', '0']


def test_without_frame_numbers_names_decide(build):
    coco = coco_of(num_frames=3)
    for image, name in zip(coco['images'], ('a/10.jpg', 'a/9.jpg', 'a/1.jpg')):
        del image['frame_id']
        image['file_name'] = name
    frames = frames_of(build(coco))
    assert [frame['file_name'] for frame in frames] == [
        'a/1.jpg',
        'a/9.jpg',
        'a/10.jpg',
    ]
    assert [frame['frame_id'] for frame in frames] == [0, 1, 2]


def test_coco_with_identities_has_a_video_per_folder(build):
    coco = coco_of(num_frames=4)
    for image, name in zip(
        coco['images'], ('b/1.jpg', 'a/2.jpg', 'b/0.jpg', 'a/1.jpg')
    ):
        del image['frame_id'], image['video_id']
        image['file_name'] = name
    dataset = build(coco)
    assert [
        [frame['file_name'] for frame in dataset.get_data_info(i)['images']]
        for i in range(len(dataset))
    ] == [['b/0.jpg', 'b/1.jpg'], ['a/1.jpg', 'a/2.jpg']]


def test_photographs_are_videos_of_one_frame(build):
    coco = coco_of(num_frames=3)
    for image in coco['images']:
        del image['frame_id'], image['video_id']
    for ann in coco['annotations']:
        del ann['track_id']
    dataset = build(coco)
    assert [dataset.get_data_info(i)['video_length'] for i in range(3)] == [1, 1, 1]


def test_an_ignore_region_of_any_category_stays(build):
    coco = coco_of(('tram', 'boat'))
    for ann in coco['annotations']:
        ann['iscrowd'] = int(ann['category_id'] == 0)
    for frame in frames_of(build(coco)):
        assert [box['ignore_flag'] for box in frame['instances']] == [1, 0]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c['images'][1].pop('frame_id'), r'images\[1\]: frame_id is missing'),
        (
            lambda c: c['images'][1].update(frame_id=0),
            r'000000\.jpg\) and .*000001\.jpg\) are both fra',
        ),
        (lambda c: c['images'][1].update(frame_id=-2), r'images\[1\]: frame_id is -2'),
        (lambda c: c['images'][1].pop('width'), r'images\[1\]: width is missing'),
        (lambda c: c['images'][1].update(id=0), r'a second image of the id 0'),
        (lambda c: c['annotations'][1].update(image_id=9), 'there is no image 9'),
        (lambda c: c['annotations'][1].update(category_id=9), 'no category 9'),
        (lambda c: c['annotations'][1].pop('bbox'), r'annotations\[1\]: bbox is mis'),
        (lambda c: c['annotations'][1].update(bbox=[1, 2, 3]), r'\[1\]: bbox is'),
        (lambda c: c['annotations'][1].update(bbox=[1, 2, 3, 'x']), r'\[1\]: bbox is'),
        (
            lambda c: c['annotations'][1].update(image_id=0),
            'track 0 is in image 0 a sec',
        ),
        (
            lambda c: c['categories'].append(dict(id=0, name='a')),
            'second category of th',
        ),
        (
            lambda c: c['categories'].append(dict(id=5, name='Boat')),
            "second category of the name 'Boat'",
        ),
        (lambda c: c.pop('images'), 'there is no list "images"'),
        (lambda c: c.update(categories={}), 'there is no list "categories"'),
        (lambda c: c['images'].append(3), r'images\[2\]: expected an object'),
    ],
)
def test_what_contradicts_itself_stops(build, change, message):
    coco = coco_of()
    change(coco)
    with pytest.raises(ValueError, match=message) as error:
        build(coco)
    assert 'boxes.json' in str(error.value)


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        (
            dict(size=[31623, 31623], counts='PmZg]o0'),
            r'size \[31623, 31623\], the frame',
        ),
        (dict(size=[50, 100], counts='PmZg]o0'), 'run lengths of the RLE add up'),
        (dict(size=[50, 100], counts=[10**9]), 'a run length is no whole number'),
    ],
)
def test_masks_that_claim_other_sizes_are_not_decoded(build, segmentation, message):
    coco = coco_of()
    coco['annotations'][1]['segmentation'] = segmentation
    assert len(frames_of(build(coco))) == 2  # without masks nothing is looked at
    with pytest.raises(ValueError, match=rf'annotations\[1\]: .*{message}'):
        build(coco, with_mask=True)


def test_an_identity_of_two_classes_stops(build):
    coco = coco_of(('boat', 'kite'), num_frames=2)
    del coco['annotations'][1:3]
    coco['annotations'][1]['track_id'] = 0
    with pytest.raises(ValueError, match=r'track 0 is a kite, in .*\[0\] a boat'):
        build(coco, ('boat', 'kite'))


@pytest.mark.parametrize('text', ['', '[]', '{', 'x', '[' * 100_000])
def test_no_json(build, text):
    with pytest.raises(ValueError, match=r'boxes\.json'):
        build(text)


def test_a_byte_order_mark_is_no_error(build):
    assert len(build('\ufeff' + json.dumps(coco_of()))) == 1


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        ('boat', 'must be a list of names'),
        (('boat', 'Boat'), 'are the same name'),
        ((), 'names no class'),
        (('boat', ''), 'is no name'),
        (None, 'names no classes'),
    ],
)
def test_what_is_no_list_of_classes(build, classes, message):
    with pytest.raises(ValueError, match=message):
        build(coco_of(), classes)


@pytest.fixture
def caplog_of_mmengine(caplog):
    """mmengine's loggers do not propagate to the one that pytest listens to."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)
    logger.setLevel(level)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Identities are numbers or names of any kind, by one rule in every reader."""

import json

import pytest

from mmwsmots.fileio.box_readers import read_boxes
from mmwsmots.fileio.coco_files import order_coco
from mmwsmots.fileio.mask_files import read_masks

GIVEN = [7, 'b-1', 7.0, '7', 'car 3', 10**15, 0, 'b-1', 1.5, '1e9', True]
# 1.5 and the like are names: those in the order of the file, behind the numbers.
NUMBERS = [7, 8, 7, 7, 9, 10, 0, 8, 11, 12, 13]
NOTICE = 'identities that are names were numbered: b-1 is 8, car 3 is 9, 10000000000'
SIZE = dict(width=20, height=12)


def write_coco(path, identities, key='track_id'):
    """A box of each identity, each on a frame of its own."""
    images = [
        dict(id=i, file_name=f'{i:06d}.jpg', frame_id=i, video_id=1, **SIZE)
        for i in range(len(identities))
    ]
    rle = dict(size=[12, 20], counts=[0, 240])
    anns = [
        dict(id=i, image_id=i, category_id=1, bbox=[1, 1, 5, 5], segmentation=rle)
        | {key: identity}
        for i, identity in enumerate(identities)
    ]
    coco = dict(videos=[dict(id=1, name='clip')], images=images, annotations=anns)
    path.write_text(json.dumps(dict(coco, categories=[dict(id=1, name='car')])))
    return path


@pytest.mark.parametrize('key', ['track_id', 'instance_id'])
def test_boxes_masks_and_a_data_set_agree(tmp_path, key):
    path = write_coco(tmp_path / 'a.json', GIVEN, key)
    file, video = read_boxes(path), read_masks(path)
    assert [box.track_id for box in file.boxes] == NUMBERS
    assert [mask.track_id for mask in video.masks] == NUMBERS
    assert any(notice.startswith(NOTICE) for notice in file.notices)
    assert any(notice.startswith(NOTICE) for notice in video.notices)
    coco, _ = order_coco(path.read_bytes(), str(path), ['car'], with_mask=True)
    trained = [ann['instance_id'] for ann in coco['annotations']]
    pairs = set(zip(trained, NUMBERS))
    assert len(pairs) == len(set(trained)) == len(set(NUMBERS))


def test_numbers_get_no_notice(tmp_path):
    file = read_boxes(write_coco(tmp_path / 'a.json', [3, 3, 5]))
    assert [box.track_id for box in file.boxes] == [3, 3, 5]
    assert file.notices == []


def test_a_name_twice_in_a_frame(tmp_path):
    path = write_coco(tmp_path / 'a.json', ['a', 'b', 'a'])
    coco = json.loads(path.read_text())
    coco['annotations'][2]['image_id'] = 0
    path.write_text(json.dumps(coco))
    with pytest.raises(
        ValueError, match=r'annotations\[2\]: duplicate id 1 in frame 0'
    ):
        read_boxes(path)
    with pytest.raises(ValueError, match='track a is in image 0 a second time'):
        order_coco(path.read_bytes(), str(path), ['car'], with_mask=False)


@pytest.mark.parametrize(
    ('identity', 'message'),
    [
        (-2, r'annotations\[0\]: track_id: -2 is no identity'),
        (float('inf'), r'annotations\[0\]: track_id: inf is no identity'),
        (['a'], r"annotations\[0\]: track_id: \['a'\] is no identity"),
        (dict(a=1), r'annotations\[0\]: track_id: .* is no identity'),
    ],
)
def test_what_is_none_stops_everywhere(tmp_path, identity, message):
    path = write_coco(tmp_path / 'a.json', [identity, 1])
    with pytest.raises(ValueError, match=message):
        read_boxes(path)
    with pytest.raises(ValueError, match=message):
        order_coco(path.read_bytes(), str(path), ['car'], with_mask=False)


def test_tracks_of_youtube_vis(tmp_path):
    video = dict(id=1, name='clip', file_names=['0.jpg', '1.jpg'], **SIZE)
    box = [1, 1, 5, 5]
    anns = [
        dict(id=identity, video_id=1, category_id=1, bboxes=[box, box])
        for identity in ('b', 4, 'a')
    ]
    coco = dict(videos=[video], annotations=anns, categories=[dict(id=1, name='car')])
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(coco))
    assert [box.track_id for box in read_boxes(path).boxes] == [5, 5, 4, 4, 6, 6]


def test_attributes_of_cvat(tmp_path):
    images = ''.join(
        f'<image id="{i}" name="{i}.jpg"><box label="car" xtl="1" ytl="1" xbr="5" '
        f'ybr="5"><attribute name="Track ID">{identity}</attribute></box></image>'
        for i, identity in enumerate(('left', '2', 'right', 'left'))
    )
    path = tmp_path / 'a.xml'
    path.write_text(f'<annotations>{images}</annotations>')
    assert [box.track_id for box in read_boxes(path).boxes] == [3, 2, 4, 3]

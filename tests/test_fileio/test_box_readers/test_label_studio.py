# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy
import json

import pytest

from mmwsmots.fileio.box_readers.label_studio import read_label_studio


def key(frame, x, enabled=True, **fields):
    return dict(frame=frame, x=x, y=2, width=30, height=40, enabled=enabled, **fields)


def region(*keys, label='car', **fields):
    value = dict(labels=[label], sequence=list(keys), **fields)
    return dict(type='videorectangle', id='x1', value=value)


def task(*regions, video='/data/upload/1/0a1b2c3d-clip.mp4'):
    return dict(data=dict(video=video), annotations=[dict(result=list(regions))])


@pytest.fixture
def read(tmp_path):
    def run(data, *args):
        path = tmp_path / 'export.json'
        path.write_text(json.dumps(data))
        return read_label_studio(path, *args)

    return run


def test_boxes_between_key_frames(read):
    """A box moves evenly; it is gone after a key frame that is not enabled."""
    first = region(key(2, 10), key(4, 20, False), key(6, 50, False), framesCount=9)
    second = region(key(8, 5), label='лодка', framesCount=9)
    file = read([task(first, second)])
    found = [(b.track_id, b.class_name, b.frame_id, b.bbox) for b in file.boxes]
    assert found == [
        (0, 'car', 2, (10, 2, 40, 42)),
        (0, 'car', 3, (15, 2, 45, 42)),
        (0, 'car', 4, (20, 2, 50, 42)),
        (0, 'car', 6, (50, 2, 80, 42)),
        (1, 'лодка', 8, (5, 2, 35, 42)),
        (1, 'лодка', 9, (5, 2, 35, 42)),
    ]
    assert file.is_relative
    assert file.numbering.first == 1 and file.numbering.declared == range(1, 10)


def test_the_short_export(read):
    regions = [region(key(1, 10, False))['value']]
    assert len(read([dict(video='clip.mp4', box=regions)]).boxes) == 1


def test_the_task_of_the_video(read):
    tasks = [
        task(region(key(1, 1, False))),
        task(region(key(1, 2, False)), video='s3://a/b.mp4'),
    ]
    assert read(tasks, 'clip').boxes[0].bbox[0] == 1
    assert read(tasks, 'b').boxes[0].bbox[0] == 2
    with pytest.raises(ValueError, match='none of its 2 tasks have the name c'):
        read(tasks, 'c')


def test_other_regions_are_counted_and_the_last_annotation_is_taken(read):
    data = task(region(key(1, 1, False)), dict(type='timelinelabels', value={}))
    file = read([data])
    assert file.left_out == {'regions of type timelinelabels': 1}
    data['annotations'].insert(0, dict(result=[], was_cancelled=True))
    assert len(read([data]).boxes) == 1
    data['annotations'].append(copy.deepcopy(data['annotations'][1]))
    assert any('2 annotations, the last' in notice for notice in read([data]).notices)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        ([7], r'\[0\]: expected an object'),
        ([dict(data={})], r'\[0\]: annotations are missing'),
        ([task(region(key(1, 'x')))], r'sequence\[0\]: x is no number'),
        ([task(region(key(1.5, 1)))], 'frame is no integer'),
        ([task(region(key(10**12, 1)))], 'frame has more than 9 digits'),
        ([task(region(key(1, 1), key(1, 2)))], r'sequence\[1\]: a second key frame 1'),
        ([task(region(key(1, 1, rotation=30)))], 'rotated by 30 degrees'),
        ([task(region(key(1, 1), key(9**9, 2)))], 'more than 2000000 boxes'),
        ([task(region(key(1, 1), framesCount=10**9))], 'framesCount'),
        (
            [task(region(key(1, 1), framesCount=3), region(framesCount=4))],
            'framesCount is 3 and 4',
        ),
        ([task(dict(value=dict(sequence=[])))], 'labels are'),
        ([task(region(key(1, 1), label=' '))], 'labels are'),
        ([task(region(key(1, 1, enabled='false')))], "enabled is 'false', not 0 or 1"),
    ],
)
def test_bad_element_is_named(read, data, message):
    with pytest.raises(ValueError, match=rf'export\.json, .*{message}'):
        read(data)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest

from mmwsmots.fileio.box_readers import TrackedBox, read_mot_challenge


@pytest.fixture
def read(tmp_path):
    def run(text, *args):
        path = tmp_path / 'boxes.txt'
        path.write_text(text)
        return read_mot_challenge(path, 'car', *args)

    return run


def test_fields(read):
    text = '2,9,-5,2,20.5,10,1,1,0.5\n1.0, 7.0 ,1e1,3,4,5,0.3,1,1\n'
    assert read(text) == [
        TrackedBox(1, 9, 'car', (-5, 2, 15.5, 12), False, 'line 1'),
        TrackedBox(0, 7, 'car', (10, 3, 14, 8), False, 'line 2'),
    ]
    assert read('') == []


def test_first_frame(read):
    line = '{},1,0,0,5,5,1,1,1\n'
    one, both = line.format(1), line.format(0) + line.format(1)
    assert [box.frame_id for box in read(one)] == [0]
    assert [box.frame_id for box in read(both)] == [0, 1]
    assert [box.frame_id for box in read(both, 1)] == [-1, 0]
    assert [box.frame_id for box in read(one, 0)] == [1]


def test_confidence_0(read):
    """MOT17's classes: only those that could be people are ignored boxes."""
    boxes = read(''.join(f'1,{c},5,5,5,5,0,{c},1\n' for c in range(1, 14)))
    assert all(box.is_ignored for box in boxes)
    assert [box.track_id for box in boxes] == [1, 2, 7, 8, 12]


def test_ten_fields_end_in_world_coordinates(read):
    """The eighth is no class there: 3 would be one that is left out."""
    (box,) = read('1,1,88,99,61.08,218.56,0,3,5.5016,0\n')
    assert box.is_ignored
    assert len(read('1,1,88,99,61.08,218.56,1,4.4852,5.5016,0\n')) == 1


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('2,1,5,5,5,5,1', 'expected at least 8 fields, got 7'),
        ('', 'expected at least 8 fields, got 1'),
        ('2,1,5,wide,5,5,1,1,1', "field 4 is no number: 'wide'"),
        ('2,1,5,1_0,5,5,1,1,1', "field 4 is no number: '1_0'"),
        ('2,1,5,5,5,nan,1,1,1', 'field 6 is nan'),
        ('2,1,5,5,5,1e999,1,1,1', 'field 6 is inf'),
        ('2,1.5,5,5,5,5,1,1,1', r'field 2 is no integer: 1\.5'),
        ('1e10,1,5,5,5,5,1,1,1', 'field 1 has more than 9 digits'),
        ('2,-1,5,5,5,5,1,1,1', '-1 is no identity'),
        ('1,4,6,6,5,5,0,1,1', r'duplicate id 4 in frame 1 \(first on line 1\)'),
    ],
)
def test_bad_line_is_named(read, line, message):
    with pytest.raises(ValueError, match=rf'boxes\.txt, line 2: {message}'):
        read(f'1,4,5,5,5,5,1,1,1\n{line}\n')


def test_real_files(shared_data):
    """Against numpy's reader."""
    for name, first in (
        ('mot17_04_clip/MOT17-04_frames_1-8_gt.txt', 1),
        ('davis_car_shadow/boxes.txt', 0),
        ('tud/TUD-Campus/gt.txt', 1),
        ('tud/TUD-Stadtmitte/gt.txt', 1),
    ):
        path = shared_data / name
        rows = np.loadtxt(path, delimiter=',')
        boxes = read_mot_challenge(path, 'pedestrian')
        if 'MOT17' in name:  # vehicles and occluders are no people
            rows = rows[~np.isin(rows[:, 7], [3, 4, 5, 6, 9, 10, 11, 13])]
        assert [box.frame_id for box in boxes] == (rows[:, 0] - first).tolist()
        assert [box.track_id for box in boxes] == rows[:, 1].tolist()
        found = np.array([box.bbox for box in boxes])
        assert np.allclose(found[:, :2], rows[:, 2:4])
        assert np.allclose(found[:, 2:] - found[:, :2], rows[:, 4:6])
        assert [box.is_ignored for box in boxes] == (rows[:, 6] == 0).tolist()

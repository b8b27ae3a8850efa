# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest

from mmwsmots.fileio.box_readers import Numbering, TrackedBox
from mmwsmots.fileio.box_readers.text_boxes import read_mot_challenge


@pytest.fixture
def read(tmp_path):
    def run(text, *args):
        path = tmp_path / 'boxes.txt'
        path.write_text(text)
        return read_mot_challenge(path, 'car', *args)

    return run


def test_fields(read):
    text = '2,9,-5,2,20.5,10,1,1,0.5\n1.0, 7.0 ,1e1,3,4,5,0.3,1,1\n'
    assert read(text).boxes == [
        TrackedBox(2, 9, 'car', (-5, 2, 15.5, 12), False, 'line 1'),
        TrackedBox(1, 7, 'car', (10, 3, 14, 8), False, 'line 2', 0.3),
    ]
    assert read('').boxes == []


def test_first_frame(read):
    line = '{},1,0,0,5,5,1,1,1\n'
    one, both = line.format(1), line.format(0) + line.format(1)
    assert read(one).numbering == Numbering(1)
    assert read(both).numbering == Numbering(0)
    assert [box.frame_id for box in read(both).boxes] == [0, 1]


def test_confidence_0(read):
    """MOT17's classes: only those that could be people are ignored boxes."""
    boxes = read(''.join(f'1,{c},5,5,5,5,0,{c},1\n' for c in range(1, 14))).boxes
    assert all(box.is_ignored for box in boxes)
    assert [box.track_id for box in boxes] == [1, 2, 7, 8, 12]


def test_ten_fields_end_in_world_coordinates(read):
    """The eighth is no class there: 3 would be one that is left out."""
    (box,) = read('1,1,88,99,61.08,218.56,0,3,5.5016,0\n').boxes
    assert box.is_ignored
    assert len(read('1,1,88,99,61.08,218.56,1,4.4852,5.5016,0\n').boxes) == 1


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('2,1,5,5,5', 'expected 6 to 10 fields, got 5'),
        ('2,1,5,5,5,5,1,1,1,1,1', 'expected 6 to 10 fields, got 11'),
        ('frame,id,x,y,w,h', "field 1 is no number: 'frame'"),
        ('2,1,5,,5,5', "field 4 is no number: ''"),
        ('2,1,5,wide,5,5,1,1,1', "field 4 is no number: 'wide'"),
        ('2,1,5,1_0,5,5,1,1,1', "field 4 is no number: '1_0'"),
        ('2,1,5,5,5,nan,1,1,1', 'field 6 is nan'),
        ('2,1,5,5,5,1e999,1,1,1', 'field 6 is inf'),
        ('2,1.5,5,5,5,5,1,1,1', r'field 2 is no integer: 1\.5'),
        ('1e10,1,5,5,5,5,1,1,1', 'field 1 has more than 9 digits'),
        ('2,-1,5,5,5,5,1,1,1', 'it has no identity, other boxes'),
        ('1,4,6,6,5,5,0,1,1', r'duplicate id 4 in frame 1 \(first on line 1\)'),
    ],
)
def test_bad_line_is_named(read, line, message):
    with pytest.raises(ValueError, match=rf'boxes\.txt, line 2: {message}'):
        read(f'1,4,5,5,5,5,1,1,1\n{line}\n')


@pytest.mark.parametrize('num_fields', range(6, 11))
@pytest.mark.parametrize('separator', [',', ', ', ' ', '\t'])
def test_six_to_ten_fields(read, num_fields, separator):
    """Trailing commas, empty lines, a mark and line ends of other systems too."""
    fields = ['3', '7', '10', '20', '30.5', '40', '0.5', '-1', '-1', '-1']
    line = separator.join(fields[:num_fields])
    end = ',' if separator[0] == ',' else ' '
    for text in (line, f'{line}{end}\r\n\r\n', f'\ufeff\n{line}\n \n'):
        (box,) = read(text).boxes
        score = 0.5 if num_fields > 6 else 1
        assert box[:5] == (3, 7, 'car', (10, 20, 40.5, 60), False)
        assert box.score == score


def test_other_encodings(tmp_path):
    path = tmp_path / 'boxes.txt'
    path.write_bytes('1,1,5,5,5,5\r\n'.encode('utf-16'))
    assert len(read_mot_challenge(path, 'car').boxes) == 1


def test_classes_of_labels_txt(tmp_path, read):
    (tmp_path / 'labels.txt').write_text('\ufeffлодка\r\ncar\r\n', encoding='utf-8')
    text = '1,1,5,5,5,5,1,2,1\n1,2,5,5,5,5,1,1,1\n1,3,5,5,5,5,0,1,1\n'
    path = tmp_path / 'gt.txt'
    path.write_text(text)
    file = read_mot_challenge(path)
    names = [(box.track_id, box.class_name, box.is_ignored) for box in file.boxes]
    assert names == [(1, 'car', False), (2, 'лодка', False), (3, 'лодка', True)]
    assert any('labels.txt' in notice for notice in file.notices)
    # --class-name does not make all of them cars.
    file = read_mot_challenge(path, 'car')
    assert [box.class_name for box in file.boxes] == ['car', 'лодка', 'лодка']
    assert any('the class car is not used' in notice for notice in file.notices)
    path.write_text(text + '1,4,5,5,5,5,1,3,1\n')
    with pytest.raises(ValueError, match=r'gt\.txt, line 4: class 3, .* 2 names'):
        read_mot_challenge(path)
    # Line n is class n, also behind an empty line.
    (tmp_path / 'labels.txt').write_text('boat\n\nkite\n')
    path.write_text('1,1,5,5,5,5,1,3,1\n1,2,5,5,5,5,1,1,1\n')
    classes = [box.class_name for box in read_mot_challenge(path).boxes]
    assert classes == ['kite', 'boat']
    path.write_text('1,1,5,5,5,5,1,2,1\n')
    with pytest.raises(ValueError, match=r'gt\.txt, line 1: class 2, .* 2 names'):
        read_mot_challenge(path)
    (tmp_path / 'labels.txt').write_text('лодка\ncar\n', encoding='utf-8')
    # A result without classes takes none from there.
    assert [box.class_name for box in read('1,1,5,5,5,5,1,-1,-1,-1').boxes] == ['car']


def test_several_classes_without_names(read):
    with pytest.raises(ValueError, match=r'classes 1 \(1 boxes\), 2 .* labels\.txt'):
        read('1,1,5,5,5,5,1,1,1\n1,2,5,5,5,5,1,2,1\n')


def test_visdrone(tmp_path):
    path = tmp_path / 'uav.txt'
    path.write_text('1,0,5,5,5,5,1,4,0,1\n1,1,5,5,5,5,0,0,0,0\n1,2,5,5,5,5,1,1,1,2\n')
    boxes = read_mot_challenge(path).boxes
    assert [(box.class_name, box.is_ignored) for box in boxes] == [
        ('car', False),
        ('ignored regions', True),
        ('pedestrian', False),
    ]
    with pytest.raises(ValueError, match="VisDrone's category"):
        read_mot_challenge(path, 'car')


def test_detections_have_scores_and_no_identities(read):
    file = read('1,-1,5,5,5,5,0.9,-1,-1,-1\n1,-1,6,5,5,5,0,-1,-1,-1\n')
    assert not file.has_identities
    assert [(box.score, box.is_ignored) for box in file.boxes] == [
        (0.9, False),
        (0, False),
    ]
    assert read('1,0,5,5,5,5,0.9').has_identities  # ids may start with 0


def test_numbers_of_boxes_are_no_identities(read):
    lines = [f'{i},{i},5,5,5,5,1\n' for i in range(1, 4)]
    assert any('in one frame only' in n for n in read(''.join(lines)).notices)
    lines.append('4,3,5,5,5,5,1\n')
    assert read(''.join(lines)).notices == []


def test_real_files(shared_data):
    """Against numpy's reader."""
    for name in (
        'mot17_04_clip/MOT17-04_frames_1-8_gt.txt',
        'davis_car_shadow/boxes.txt',
        'tud/TUD-Campus/gt.txt',
        'tud/TUD-Stadtmitte/gt.txt',
    ):
        path = shared_data / name
        rows = np.loadtxt(path, delimiter=',')
        boxes = read_mot_challenge(path, 'pedestrian').boxes
        if 'MOT17' in name:  # vehicles and occluders are no people
            rows = rows[~np.isin(rows[:, 7], [3, 4, 5, 6, 9, 10, 11, 13])]
        assert [box.frame_id for box in boxes] == rows[:, 0].tolist()
        assert [box.track_id for box in boxes] == rows[:, 1].tolist()
        found = np.array([box.bbox for box in boxes])
        assert np.allclose(found[:, :2], rows[:, 2:4])
        assert np.allclose(found[:, 2:] - found[:, :2], rows[:, 4:6])
        assert [box.is_ignored for box in boxes] == (rows[:, 6] == 0).tolist()

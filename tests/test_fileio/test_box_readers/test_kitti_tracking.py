# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
from kitti_labels import read_labels

from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.fileio.box_readers.text_boxes import read_kitti_tracking

LINE = '{} {} {} 0 0 -1.57 {} {} {} {} 1.5 1.6 3.9 -2.1 1.4 8.0 -1.5'


@pytest.fixture
def read(tmp_path):
    def run(*lines):
        path = tmp_path / '0000.txt'
        path.write_text(''.join(f'{line}\n' for line in lines))
        return read_kitti_tracking(path).boxes

    return run


def test_fields(read):
    boxes = read(
        LINE.format(0, 3, 'Car', 296.74, 161.75, 455.22, 292.37),
        LINE.format(0, -1, 'DontCare', 1, 2, 3, 4),
        LINE.format(0, -1, 'DontCare', 5, 6, 7, 8),
        LINE.format(4, 0, 'Pedestrian', 0, 2, 30, 4) + ' 0.9',
    )
    assert boxes == [
        TrackedBox(0, 3, 'Car', (296.74, 161.75, 455.22, 292.37), False, 'line 1'),
        TrackedBox(0, -1, 'DontCare', (1, 2, 3, 4), True, 'line 2'),
        TrackedBox(0, -1, 'DontCare', (5, 6, 7, 8), True, 'line 3'),
        TrackedBox(4, 0, 'Pedestrian', (0, 2, 30, 4), False, 'line 4', 0.9),
    ]
    assert read() == []


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('0 3 Car 0 0 -1.5 1 2 3 4', 'expected 17 fields and maybe a score, got 10'),
        (LINE.format('x', 3, 'Car', 1, 2, 3, 4), "the frame is no number: 'x'"),
        (LINE.format(-1, 3, 'Car', 1, 2, 3, 4), 'the frame is -1'),
        (LINE.format(0, 3.5, 'Car', 1, 2, 3, 4), 'the track id is no integer'),
        (LINE.format(0, 3, 'Car', 1, 2, 'inf', 4), 'right is inf'),
        (LINE.format(0, -1, 'Van', 1, 2, 3, 4), 'it has no identity, other boxes'),
        (LINE.format(0, 1, 'Van', 1, 2, 3, 4), r'duplicate id 1 .* \(first on line 1'),
    ],
)
def test_bad_line_is_named(read, line, message):
    with pytest.raises(ValueError, match=rf'0000\.txt, line 2: {message}'):
        read(LINE.format(0, 1, 'Car', 1, 2, 3, 4), line)


def test_labels_for_masks_come_from_the_same_reader(tmp_path):
    path = tmp_path / '0000.txt'
    lines = [
        LINE.format(0, 3, 'Car', 1, 2, 3, 4),
        LINE.format(0, 3, 'Car', 5, 6, 7, 8),  # there identities do not matter
        LINE.format(2, 4, 'Pedestrian', 1, 1, 2, 2),
        LINE.format(2, 5, 'Van', 1, 1, 2, 2),
    ]
    path.write_text('\n'.join(lines))
    labels = read_labels(path)
    assert {key: boxes.tolist() for key, boxes in labels.items()} == {
        (0, 1): [[1, 2, 3, 4], [5, 6, 7, 8]],
        (2, 2): [[1, 1, 2, 2]],
    }
    path.write_text('no label')
    with pytest.raises(ValueError, match=r'0000\.txt, line 1: expected 17 fields'):
        read_labels(path)

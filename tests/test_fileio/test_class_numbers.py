# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest

from mmwsmots.fileio.classes import class_numbers, read_labels, write_labels


def test_kitti_keeps_its_numbers():
    kitti = dict(car=1, pedestrian=2)
    assert class_numbers(['pedestrian']) == kitti
    assert class_numbers(['pedestrian', 'car']) == kitti
    assert class_numbers([]) == kitti
    # As KITTI's tracking labels spell them: Pedestrian is no class 1.
    assert class_numbers(['Pedestrian', 'Car']) == dict(Car=1, Pedestrian=2)


def test_others_count_from_1_and_leave_out_the_ignore_region(tmp_path):
    assert class_numbers(['лодка', 'car', 'лодка']) == {'лодка': 1, 'car': 2}
    names = [f'class {i}' for i in range(12)]
    numbers = class_numbers(names)
    assert list(numbers.values()) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13]
    path = tmp_path / 'new/labels.txt'
    write_labels(path, numbers)
    lines = path.read_text().splitlines()
    assert lines[9] == 'ignore'
    assert {name: lines[number - 1] for name, number in numbers.items()} == {
        name: name for name in names
    }
    assert read_labels(path) == tuple(names)


def test_numbers_that_are_there_are_kept(tmp_path):
    path = tmp_path / 'labels.txt'
    assert read_labels(path) == ()
    write_labels(path, class_numbers(['bus', 'car']))
    numbers = class_numbers(['tram', 'Car'], read_labels(path))
    assert numbers == {'bus': 1, 'car': 2, 'tram': 3}
    assert class_numbers(['bus'], ('car', 'pedestrian'))['bus'] == 3


@pytest.mark.parametrize('text', ['bus\n\ncar\n', 'bus\ncar\nBus\n'])
def test_bad_labels(tmp_path, text):
    path = tmp_path / 'labels.txt'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'labels.txt: .* is no name, or comes twice'):
        read_labels(path)


def test_a_tenth_class_is_no_ignore_region(tmp_path):
    """CVAT numbers its classes on; their masks would be left out without a word."""
    path = tmp_path / 'labels.txt'
    path.write_text(''.join(f'class {i}\n' for i in range(1, 12)))
    with pytest.raises(ValueError, match=r"labels\.txt: line 10 is 'class 10', but"):
        read_labels(path)


def test_labels_of_any_editor(tmp_path):
    """UTF-16 or blank lines at the end are no errors, another encoding is one."""
    path = tmp_path / 'labels.txt'
    for data in (
        'лодка\r\nбаржа\r\n\r\n'.encode('utf-16'),
        'лодка\nбаржа\n\n'.encode(),
    ):
        path.write_bytes(data)
        assert read_labels(path) == ('лодка', 'баржа')
    path.write_bytes('лодка'.encode('cp1251'))
    with pytest.raises(ValueError, match=r'labels\.txt: neither UTF-8 nor UTF-16'):
        read_labels(path)
    with pytest.raises(ValueError, match=r"new\.txt: a line cannot hold .*'bo\\nat'"):
        write_labels(tmp_path / 'new.txt', {'bo\nat': 1})


def test_eighty_classes():
    assert max(class_numbers(map(str, range(80))).values()) == 81

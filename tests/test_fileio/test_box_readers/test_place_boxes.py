# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Which picture does a box belong to? Never to one that the file does not name."""

import json
from pathlib import Path
from unicodedata import normalize

import cv2
import numpy as np
import pytest

from mmwsmots.fileio import FrameReader, VideoWriter
from mmwsmots.fileio.box_readers import (
    BoxFile,
    Numbering,
    Picture,
    TrackedBox,
    place_boxes,
    read_boxes,
)
from mmwsmots.fileio.box_readers.place_boxes import match_video

SIZE = 24, 32


def folder_of(path, *names):
    path.mkdir(parents=True)
    for name in names:
        cv2.imwrite(str(path / name), np.zeros((*SIZE, 3), np.uint8))
    return FrameReader(path)


def numbered(tmp_path, numbers):
    return folder_of(tmp_path / 'clip', *(f'{n:06d}.png' for n in numbers))


def video_of(tmp_path, num):
    with VideoWriter(tmp_path / 'clip.mp4', 10) as video:
        for _ in range(num):
            video.write(np.zeros((*SIZE, 3), np.uint8))
    return FrameReader(tmp_path / 'clip.mp4')


FROM_0 = Numbering(0)


def file_of(numbers, rule=FROM_0, **fields):
    boxes = [TrackedBox(n, 1, 'car', (1, 2, 3, 4), False, f'box {n}') for n in numbers]
    return BoxFile(Path('boxes.txt'), boxes, rule, **fields)


def places(file, frames, size=SIZE):
    return [box.frame_id for box in place_boxes(file, frames, size).boxes]


MOT, KITTI = Numbering(1), Numbering(0, names_are_numbers=True)


@pytest.mark.parametrize(
    ('rule', 'pictures', 'numbers', 'expected'),
    [
        # counted from the format's first number, whether pictures count from 0 or 1
        (MOT, range(6), [1, 2, 6], [0, 1, 5]),
        (MOT, range(1, 7), [1, 2, 6], [0, 1, 5]),
        (KITTI, range(1, 7), [0, 5], [0, 5]),
        (Numbering(3, is_given=True), range(6), [3, 4], [0, 1]),
        # an excerpt whose pictures keep their numbers
        (MOT, range(101, 107), [101, 106], [0, 5]),
        (KITTI, [2, 7, 12], [2, 12], [0, 2]),
        (KITTI, [2, 7, 12], [0, 7], [1]),
        (MOT, [0, 5, 10], [0, 5, 10], [0, 1, 2]),
        (MOT, [10, 20, 30], range(1, 40), [0, 1, 2]),
        # every third picture, counted one by one
        (MOT, [3, 6, 9, 12], [1, 2, 4], [0, 1, 3]),
        # what the file says of its frames
        (Numbering(0, range(100, 106)), range(100, 106), [100, 105], [0, 5]),
        (Numbering(0, range(100, 106)), range(6), [100, 105], [0, 5]),
        (Numbering(0, range(100, 106)), range(1, 7), [100, 105], [0, 5]),
        (Numbering(0, range(0, 30, 5)), range(30), [0, 25], [0, 25]),
        (Numbering(0, range(0, 30, 5)), range(0, 30, 5), [0, 25], [0, 5]),
        (Numbering(0, range(0, 30, 5)), range(6), [0, 25], [0, 5]),
        (Numbering(0, range(6)), [0, 1, 3, 5], [1, 3], [1, 2]),  # deleted frames
        (Numbering(0, range(4)), range(1, 7), [0, 3], [0, 3]),
    ],
)
def test_numbers(tmp_path, rule, pictures, numbers, expected):
    frames = numbered(tmp_path, pictures)
    file = place_boxes(file_of(numbers, rule), frames, SIZE)
    assert [box.frame_id for box in file.boxes] == expected
    number, name = numbers[len(numbers) - len(expected)], frames.files[expected[0]].name
    if len(expected) == len(numbers):
        assert any(f'frame {number} of' in n and name in n for n in file.notices)
    else:
        assert any('boxes are left out' in notice for notice in file.notices)


@pytest.mark.parametrize(
    ('rule', 'pictures', 'numbers', 'message'),
    [
        (MOT, range(6), [100, 101], r'on frames 100 to 101, the folder has 6 pictures'),
        (MOT, range(10, 16), [1, 2, 12], r'frames are 1 to 2, 12, the pictures 10 to'),
        (
            KITTI,
            range(6),
            [1, 3, 6],
            r'1, 3, 6, of 6 that count from 0; --first-frame 1',
        ),
        (
            MOT,
            [2, 4, 6],
            [2],
            'may be the picture of that number or picture 2 ',
        ),
        (Numbering(0, range(300)), range(150), [7], 'for 300 frames, 0 to 299; .* 150'),
        (Numbering(0, range(0, 60, 5)), range(6), [5], '12 frames, 0 to 55 in steps'),
        (Numbering(0, range(6)), range(6), [7], 'frame 7 has boxes, but its frames'),
    ],
)
def test_numbers_that_contradict(tmp_path, rule, pictures, numbers, message):
    frames = numbered(tmp_path, pictures)
    with pytest.raises(ValueError, match=f'boxes.txt, .*{message}'):
        place_boxes(file_of(numbers, rule), frames, SIZE)


@pytest.mark.parametrize(
    ('rule', 'num_frames', 'numbers', 'expected'),
    [
        (MOT, 6, [1, 6], [0, 5]),
        (Numbering(0, range(100, 106)), 6, [100, 105], [0, 5]),
        (Numbering(0, range(2, 5)), 6, [2, 4], [2, 4]),
        (Numbering(0, range(0, 6, 2)), 6, [2], [2]),
        (Numbering(1, range(1, 7)), 6, [1, 6], [0, 5]),
    ],
)
def test_numbers_in_a_video(tmp_path, rule, num_frames, numbers, expected):
    assert places(file_of(numbers, rule), video_of(tmp_path, num_frames)) == expected


def test_numbers_of_another_video(tmp_path):
    video = video_of(tmp_path, 6)
    with pytest.raises(ValueError, match='made for 12 frames, 0 to 11; here are 6'):
        places(file_of([1], Numbering(0, range(12))), video)


def pictures_of(names, numbers=None, size=None):
    numbers = numbers or [None] * len(names)
    return {
        i: Picture(name, size, f'images[{i}]', number)
        for i, (name, number) in enumerate(zip(names, numbers))
    }


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        (['clip/000000.png', 'clip/000005.png'], [0, 5]),
        (['000003.png', '000004.png'], [3, 4]),
        (['C:\\data\\other\\000003.png'], [3]),
        (['000003.jpg'], [3]),
        (['000003'], [3]),
        (['frame_000003.PNG', 'frame_000005.PNG'], [3, 5]),
        (['a/clip/000001.png', 'a/clip/000002.png'], [1, 2]),
    ],
)
def test_names_decide(tmp_path, names, expected):
    frames = numbered(tmp_path / 'a', range(6))
    file = file_of(range(len(names)), pictures=pictures_of(names))
    assert places(file, frames) == expected
    # against the numbers
    ids = range(7, 7 + len(names))
    file = file_of(range(len(names)), pictures=pictures_of(names, ids))
    assert places(file, frames) == expected


def test_an_accent_is_one_letter_or_two_signs(tmp_path):
    """As macOS and others write it."""
    names = [f'é{name}.png' for name in 'ab']
    frames = folder_of(tmp_path / 'a', *(normalize('NFD', name) for name in names))
    pictures = pictures_of([normalize('NFC', name) for name in names[1:]])
    assert places(file_of([0], pictures=pictures), frames) == [1]


def test_folders_tell_pictures_of_one_name_apart(tmp_path):
    frames = numbered(tmp_path, range(2))
    names = ['left/000000.png', 'clip/000000.png', 'left/000001.png']
    file = file_of(range(3), pictures=pictures_of(names))
    placed = place_boxes(file, frames, SIZE)
    assert [(box.where, box.frame_id) for box in placed.boxes] == [('box 1', 0)]
    assert any('2 boxes are left out' in notice for notice in placed.notices)


@pytest.mark.parametrize(
    ('names', 'ids', 'message'),
    [
        (
            ['a.png', 'b.png'],
            None,
            'its picture is a.png, the folder has 000000',
        ),
        (['frame_000000.png', 'frame_000006.png'], None, 'none of the names'),
        (
            ['x/000000.png', 'y/000000.png'],
            None,
            r'images\[0\] and images\[1\] are both 000000.png',
        ),
        (
            ['000002.png', '000001.png'],
            [0, 1],
            r'images\[1\]: frame 1 is 000001.png, but frame 0 is 000002.png',
        ),
    ],
)
def test_names_that_contradict(tmp_path, names, ids, message):
    frames = numbered(tmp_path, range(6))
    file = file_of(range(len(names)), pictures=pictures_of(names, ids))
    with pytest.raises(ValueError, match=message):
        place_boxes(file, frames, SIZE)


@pytest.mark.parametrize(
    ('names', 'ids', 'expected'),
    [
        ([f'{i:06d}.jpg' for i in range(6)], range(1, 7), [0, 1, 2, 3, 4, 5]),
        (['000003.jpg', '000004.jpg'], [4, 5], [3, 4]),
        (['img_0004.jpg', 'img_0005.jpg'], [3, 4], [3, 4]),
        (['frame_000002.PNG', 'frame_000005.PNG'], None, [2, 5]),
    ],
)
def test_names_and_a_video(tmp_path, names, ids, expected):
    file = file_of(range(len(names)), pictures=pictures_of(names, ids))
    assert places(file, video_of(tmp_path, 6)) == expected


def test_names_that_contradict_a_video(tmp_path):
    names = [f'{i:06d}.jpg' for i in (3, 4, 5)]
    file = file_of(range(3), pictures=pictures_of(names, [0, 1, 2]))
    with pytest.raises(ValueError, match=r'frame 0 is 000003.jpg, .* which is which'):
        places(file, video_of(tmp_path, 6))


def test_a_video_that_lacks_few_of_the_pictures(tmp_path):
    """Order would shift boxes by the two that are not listed."""
    numbers = [i for i in range(200) if i not in (50, 60)]
    names = [f'frame_{i:06d}' for i in numbers]
    pictures = pictures_of(names, numbers)
    places, _ = match_video(pictures, 200)
    assert list(places.values()) == numbers


def test_sizes_are_compared(tmp_path):
    frames = numbered(tmp_path, range(2))
    message = '{}: annotated at 64 x 48, the frames are 32 x 24'
    file = file_of([0], size=(48, 64), size_where='<original_size>')
    with pytest.raises(ValueError, match=message.format('<original_size>')):
        place_boxes(file, frames, SIZE)
    pictures = pictures_of(['000000.png'], size=(48, 64))
    with pytest.raises(ValueError, match=message.format(r'images\[0\]')):
        place_boxes(file_of([0], pictures=pictures), frames, SIZE)


def test_percent_become_pixels(tmp_path):
    frames = numbered(tmp_path, range(1))
    file = file_of([0], is_relative=True)
    (box,) = place_boxes(file, frames, SIZE).boxes
    assert box.bbox == pytest.approx((0.32, 0.48, 0.96, 0.96))


def test_pictures_that_sort_in_another_way_as_text(tmp_path):
    frames = folder_of(tmp_path / 'clip', *(f'{i}.png' for i in range(11)))
    rule = Numbering(0, range(11), sorted_by_text=True)
    with pytest.raises(ValueError, match=r'as text, 10\.png before 2\.png'):
        place_boxes(file_of([2], rule), frames, SIZE)
    assert places(file_of([2], rule._replace(is_given=True)), frames) == [2]


def test_no_boxes(tmp_path):
    frames = numbered(tmp_path, range(2))
    assert place_boxes(file_of([]), frames, SIZE).boxes == []


def test_a_file_of_half_of_the_frames(tmp_path):
    """All the way from JSON: boxes of 000003.png do not move to 000000.png."""
    images = [
        dict(id=i, video_id=1, frame_id=i - 3, file_name=f'clip/{i:06d}.png')
        for i in (3, 4, 5)
    ]
    anns = [
        dict(image_id=i, category_id=1, track_id=0, bbox=[i, 1, 2, 3])
        for i in (3, 4, 5)
    ]
    coco = dict(
        categories=[dict(id=1, name='car')],
        videos=[dict(id=1, name='clip')],
        images=images,
        annotations=anns,
    )
    path = tmp_path / 'ann.json'
    path.write_text(json.dumps(coco))
    frames = numbered(tmp_path, range(6))
    boxes = place_boxes(read_boxes(path), frames, SIZE).boxes
    assert [(box.frame_id, box.bbox[0]) for box in boxes] == [(3, 3), (4, 4), (5, 5)]

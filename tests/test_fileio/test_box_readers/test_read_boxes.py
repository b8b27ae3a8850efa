# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
from pathlib import Path

import numpy as np
import pytest

from mmwsmots.fileio.box_readers import (
    BoxFile,
    TrackedBox,
    detect_format,
    read_boxes,
    select_classes,
)

# One car, number 7, in the fourth frame in each of the formats.
BBOX = (10.0, 20.0, 40.5, 60.0)
COCO = dict(
    images=[dict(id=1, frame_id=3)],
    categories=[dict(id=1, name='Car')],
    annotations=[dict(image_id=1, category_id=1, track_id=7, bbox=[10, 20, 30.5, 40])],
)
YOUTUBE_VIS = dict(
    videos=[dict(id=1, file_names=[f'clip/{i}.jpg' for i in range(4)])],
    categories=[dict(id=1, name='Car')],
    annotations=[
        dict(
            id=7,
            video_id=1,
            category_id=1,
            bboxes=[None, None, None, [10, 20, 30.5, 40]],
        )
    ],
)
KEY = dict(frame=4, x=10, y=20, width=30.5, height=40, enabled=False)
LABEL_STUDIO = [
    dict(
        data=dict(video='clip.mp4'),
        annotations=[
            dict(result=[dict(value=dict(labels=['Car'], sequence=[KEY]))] * 8)
        ],
    )
]
TEXTS = dict(
    mot='4,7,10,20,30.5,40,1,1,1\n',
    kitti='3 7 Car 0 0 -1.5 10 20 40.5 60 1 1 1 0 0 9 0.1\n',
    cocovid=json.dumps(COCO),
    cvat='<?xml version="1.0"?>\n<annotations><track id="7" label="Car"><box frame="3" '
    'outside="0" xtl="10" ytl="20" xbr="40.5" ybr="60"/></track></annotations>',
    youtube_vis=json.dumps(YOUTUBE_VIS),
    label_studio=json.dumps(LABEL_STUDIO),
)


@pytest.mark.parametrize('name', TEXTS)
@pytest.mark.parametrize('start', ['', '\ufeff'])
def test_all_formats_say_the_same(tmp_path, name, start):
    path = tmp_path / 'boxes'
    path.write_text(start + TEXTS[name], encoding='utf-8')
    assert detect_format(path) == name
    class_name = 'Car' if name == 'mot' else None
    first = 1 if name in ('mot', 'label_studio') else 0
    for box_format in (None, name):
        file = read_boxes(path, box_format, class_name)
        box = file.boxes[-1]
        assert box == TrackedBox(3 + first, 7, 'Car', BBOX, False, box.where)
        assert file.numbering.first == first
        assert not file.numbering.is_given
    given = read_boxes(path, None, class_name, first_frame=7)
    assert given.numbering == file.numbering._replace(first=7, is_given=True)
    assert given.boxes == file.boxes


@pytest.mark.parametrize('name', TEXTS)
def test_damaged_files_are_read_or_refused(tmp_path, name):
    """Bytes changed, lost or twice: never another error than one with the file."""
    rng = np.random.default_rng(0)
    path = tmp_path / 'boxes'
    refused = 0
    for _ in range(400):
        data = TEXTS[name].encode()
        for _ in range(int(rng.integers(1, 4))):
            place, size = (int(n) for n in rng.integers(1, len(data), 2))
            piece = rng.integers(0, 256, int(rng.integers(0, 3))).astype(np.uint8)
            again = data[place : place + size] if rng.random() < 0.3 else b''
            data = data[:place] + piece.tobytes() + again + data[place + 1 :]
        path.write_bytes(data)
        try:
            boxes = read_boxes(path, name, 'Car' if name == 'mot' else None).boxes
        except ValueError as error:
            refused += 1
            assert str(path) in str(error)
        else:
            for box in boxes:
                assert np.isfinite(box.bbox).all() and len(box.bbox) == 4
                assert isinstance(box.frame_id, int) and isinstance(box.track_id, int)
                assert isinstance(box.class_name, str)
    assert 100 < refused < 400


@pytest.mark.parametrize('text', ['frame,id\n', 'a text', '1 2 3', '\x01\xff'])
def test_unknown_format(tmp_path, text):
    path = tmp_path / 'boxes'
    path.write_text(text)
    with pytest.raises(
        ValueError, match=r'boxes: its first line is of no known format'
    ):
        read_boxes(path)


def test_bad_arguments(tmp_path):
    with pytest.raises(FileNotFoundError, match='absent: no such file'):
        read_boxes(tmp_path / 'absent')
    path = tmp_path / 'boxes'
    path.write_text(TEXTS['mot'])
    with pytest.raises(ValueError, match='boxes: MOTChallenge text names no classes'):
        read_boxes(path)
    with pytest.raises(ValueError, match=r"box_format must be one of .*, got 'xml'"):
        read_boxes(path, 'xml')
    with pytest.raises(ValueError, match='boxes, line 1: expected 17 fields'):
        read_boxes(path, 'kitti')
    path.write_text(TEXTS['cvat'])
    with pytest.raises(ValueError, match='boxes: a folder for mots_png'):
        read_boxes(path, 'mots_png')
    with pytest.raises(ValueError, match='class_name is for MOTChallenge text'):
        read_boxes(path, class_name='car')


def box(track_id, class_name, is_ignored=False):
    return TrackedBox(0, track_id, class_name, BBOX, is_ignored, f'line {track_id}')


def test_two_tracks_of_one_id(tmp_path):
    """They may share no frame: one object would have two boxes' histories."""
    track = YOUTUBE_VIS['annotations'][0]
    early = dict(track, bboxes=[[1, 2, 3, 4], None, None, None])
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps(dict(YOUTUBE_VIS, annotations=[track, early])))
    with pytest.raises(
        ValueError, match=r'annotations\[0\] and .*\[1\] are both track 7'
    ):
        read_boxes(path)


def test_select_classes():
    boxes = [
        box(1, 'Car'),
        box(2, 'van'),
        box(3, 'Bus'),
        box(4, 'PEDESTRIAN'),
        box(5, 'Bus'),
        box(6, 'DontCare', True),
    ]
    file = BoxFile(Path('boxes.txt'), boxes)
    file = select_classes(file, ('car', 'pedestrian'), {'Van': 'car'})
    assert [(b.track_id, b.class_name) for b in file.boxes] == [
        (1, 'car'),
        (2, 'car'),
        (4, 'pedestrian'),
        (6, 'DontCare'),
    ]
    assert file.left_out == {'Bus': 2}


def test_an_identity_has_one_class():
    first, second = box(1, 'Car'), box(1, 'pedestrian')._replace(where='line 9')
    with pytest.raises(
        ValueError, match=r'boxes\.txt, line 9: id 1 is a pedestrian, on line 1 a car'
    ):
        select_classes(
            BoxFile(Path('boxes.txt'), [first, second]), ('car', 'pedestrian')
        )
    van = second._replace(class_name='Van')
    file = BoxFile(Path('boxes.txt'), [first, van])
    assert len(select_classes(file, ('car',), {'van': 'car'}).boxes) == 2


def test_clipped():
    def clip(*bbox):
        return box(1, 'car')._replace(bbox=bbox).clipped(40, 60)

    assert clip(-5, 2, 15.5, 50) == [0, 2, 15.5, 40]
    assert clip(0, 0, 60, 40) == [0, 0, 60, 40]
    for outside in ((60, 0, 70, 5), (5, -9, 9, 0), (5, 5, 5, 9), (9, 5, 5, 9)):
        assert clip(*outside) is None

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import struct
import zipfile

import cv2
import numpy as np
import pytest

from mmwsmots.fileio.box_readers import read_boxes
from mmwsmots.fileio.classes import write_labels
from mmwsmots.fileio.mots_png import write_mots_png
from mmwsmots.fileio.mots_txt import MOTSObject
from mmwsmots.fileio.rle import mask_to_rle

XML = (
    '<annotations><track id="7" label="car"><box frame="3" outside="0" xtl="1" ytl="2" '
    'xbr="9" ybr="8"/></track></annotations>'
)


@pytest.fixture
def pack(tmp_path):
    def run(method=zipfile.ZIP_DEFLATED, **members):
        path = tmp_path / 'task.zip'
        with zipfile.ZipFile(path, 'w', method) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return path

    return run


@pytest.mark.parametrize(
    ('members', 'options'),
    [
        ({'annotations.xml': XML, 'images/frame_000000.PNG': 'no picture'}, {}),
        ({'gt/gt.txt': '4,7,1,2,8,6,1,1,1\n', 'gt/labels.txt': 'car'}, {}),
        ({'gt/gt.txt': '4,7,1,2,8,6\n'}, dict(class_name='car')),
    ],
)
def test_what_cvat_hands_out(pack, members, options):
    file = read_boxes(pack(**members), **options)
    (box,) = file.boxes
    assert (box.track_id, box.class_name, box.bbox) == (7, 'car', (1, 2, 9, 8))
    assert file.path.name == 'task.zip'
    if 'gt/labels.txt' in members:
        assert file.notices[0] == f'classes are those of {file.path}/labels.txt'


def test_a_member_without_a_name(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.writestr(zipfile.ZipInfo(''), XML)
    with pytest.raises(ValueError, match=r"a\.zip: .* the name '' is none"):
        read_boxes(tmp_path / 'a.zip')


def test_messages_name_the_zip_file(pack):
    path = pack(**{'annotations.xml': XML.replace('xtl="1"', '')})
    with pytest.raises(ValueError, match=rf'^{path}: annotations\.xml, track "7"'):
        read_boxes(path)


@pytest.mark.parametrize(
    ('members', 'message'),
    [
        ({'../annotations.xml': XML}, "the name '../annotations.xml' leads out of it"),
        ({'/etc/annotations.xml': XML}, 'leads out of it'),
        ({'C:/annotations.xml': XML}, 'leads out of it'),
        ({'.': XML}, r"the name '\.' is none"),
        ({'annotations.xml': XML, 'a/../../b': ''}, 'leads out of it'),
        (
            {'a/annotations.xml': XML, 'b/annotations.xml': XML},
            'several files of boxes',
        ),
        (
            {'a.json': '{}', 'b.json': '{}'},
            'several files of boxes, unpack one: a.json',
        ),
        ({'images/0.png': ''}, 'no annotations.xml, gt.txt, JSON'),
        ({'annotations.xml': ' ' * 2**25}, 'it unpacks .* bytes to 33554432'),
    ],
)
def test_hostile_names_and_sizes(pack, members, message):
    with pytest.raises(
        ValueError, match=rf'task\.zip: cannot be unpacked: .*{message}'
    ):
        read_boxes(pack(**members))


def test_more_than_it_says(pack):
    """Its directory claims 10 bytes."""
    path = pack(**{'annotations.xml': ' ' * 2**25})
    data = path.read_bytes()
    size = struct.pack('<I', 2**25)
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, struct.pack('<I', 10)))
    with pytest.raises(ValueError, match=r'task\.zip: cannot be unpacked: Bad CRC'):
        read_boxes(path)


def test_other_methods_and_damage(pack):
    path = pack(zipfile.ZIP_LZMA, **{'annotations.xml': XML})
    with pytest.raises(ValueError, match='another way than deflate'):
        read_boxes(path)
    path = pack(**{'annotations.xml': XML})
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r'task\.zip: cannot be unpacked'):
        read_boxes(path)


def mots_png(folder):
    """Two objects of one number in two classes, and an ignore region."""
    objects = []
    for i, (track_id, class_id) in enumerate(((1005, 1), (2005, 2), (10000, 10))):
        mask = np.zeros((12, 20), dtype=bool)
        mask[2:8, 1 + 6 * i : 5 + 6 * i] = True
        rle = mask_to_rle(mask)
        objects.append(MOTSObject(0, track_id, class_id, 12, 20, rle))
    write_mots_png(folder / 'instances/frame_000004.png', objects, (12, 20))
    write_labels(folder / 'instances/labels.txt', {'лодка': 1, 'car': 2})


@pytest.mark.parametrize('is_packed', [False, True])
def test_mots_png(tmp_path, pack, is_packed):
    mots_png(tmp_path / 'default')
    path = tmp_path / 'default'
    if is_packed:
        files = [p for p in path.rglob('*') if p.is_file()]
        path = pack(**{str(p.relative_to(tmp_path)): p.read_bytes() for p in files})
    file = read_boxes(path)
    assert [(b.track_id, b.class_name, b.bbox, b.is_ignored) for b in file.boxes] == [
        (1005, 'лодка', (1, 2, 5, 8), False),
        (2005, 'car', (7, 2, 11, 8), False),
        (10000, 'ignore', (13, 2, 17, 8), True),
    ]
    assert [(p.name, p.size) for p in file.pictures.values()] == [
        ('frame_000004.png', (12, 20))
    ]


def test_bad_mots_png(tmp_path):
    with pytest.raises(ValueError, match='first_frame is not for pictures'):
        read_boxes(tmp_path, first_frame=1)
    folder = tmp_path / 'instances'
    folder.mkdir()
    cv2.imwrite(str(folder / '0.png'), np.full((4, 5), 7, np.uint8))
    with pytest.raises(ValueError, match=r'0\.png: not a 16-bit picture'):
        read_boxes(tmp_path)
    cv2.imwrite(str(folder / '0.png'), np.full((4, 5), 3001, np.uint16))
    with pytest.raises(ValueError, match=r'0\.png: pixels of 3001, but class 3 has no'):
        read_boxes(tmp_path)

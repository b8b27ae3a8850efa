# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import runpy
import sys
from collections import Counter

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmwsmots.fileio.mots_txt import MOTSObject, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle

HEIGHT, WIDTH = 12, 20


@pytest.fixture
def convert(repo, monkeypatch):
    """Run the tool with a command line, in this process: mmdet imports slowly."""
    path = repo / 'tools' / 'dataset_converters' / 'kitti_mots2coco.py'

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        runpy.run_path(str(path), run_name='__main__')

    return run


def obj(frame, track, box, holes=()):
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    for x, y in holes:
        mask[y, x] = False
    return MOTSObject(frame, track, track // 1000, HEIGHT, WIDTH, mask_to_rle(mask))


def ignore_region():
    """Two bars in one region, far from each other."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[0:2, 0:5] = True
    mask[11, 18:20] = True
    return MOTSObject(1, 10000, 10, HEIGHT, WIDTH, mask_to_rle(mask))


OBJECTS = [
    obj(0, 1003, (2, 3, 8, 9), holes=[(2, 3), (7, 8)]),
    obj(0, 2001, (10, 0, 12, 12)),
    ignore_region(),
    obj(1, 1003, (3, 3, 9, 9)),
]


@pytest.fixture
def root(tmp_path):
    """Sequence 0001 of three frames, the last one empty, and 0002 without objects."""
    write_mots_txt(tmp_path / 'instances_txt' / '0001.txt', OBJECTS)
    write_mots_txt(tmp_path / 'instances_txt' / '0002.txt', [])
    for name, num_frames in (('0001', 3), ('0002', 1)):
        folder = tmp_path / 'training' / 'image_02' / name
        folder.mkdir(parents=True)
        for frame in range(num_frames):
            image = np.full((HEIGHT, WIDTH, 3), frame, dtype=np.uint8)
            cv2.imwrite(str(folder / f'{frame:06d}.png'), image)
    return tmp_path


TRAIN = ('--split', 'train', '--train', '0001', '0002')


def load(root, split='train'):
    return json.loads((root / 'annotations' / f'kitti_mots_{split}.json').read_text())


def test_every_field_of_a_small_set(convert, root):
    convert(root, *TRAIN)
    coco = load(root)
    assert coco['categories'] == [
        {'id': 1, 'name': 'car'},
        {'id': 2, 'name': 'pedestrian'},
    ]
    size = {'width': WIDTH, 'height': HEIGHT}
    assert coco['videos'] == [
        {'id': 1, 'name': '0001', 'num_frames': 3, **size},
        {'id': 2, 'name': '0002', 'num_frames': 1, **size},
    ]
    assert [
        (i['id'], i['file_name'], i['video_id'], i['frame_id']) for i in coco['images']
    ] == [
        (1, '0001/000000.png', 1, 0),
        (2, '0001/000001.png', 1, 1),
        (3, '0001/000002.png', 1, 2),
        (4, '0002/000000.png', 2, 0),
    ]
    keys = ['image_id', 'category_id', 'track_id', 'bbox', 'area', 'iscrowd']
    assert [[ann[key] for key in keys] for ann in coco['annotations']] == [
        [1, 1, 1003, [2, 3, 6, 6], 34, 0],
        [1, 2, 2001, [10, 0, 2, 12], 24, 0],
        [2, 1, 1003, [3, 3, 6, 6], 36, 0],
        [2, 1, 10000, [0, 0, 5, 2], 10, 1],
        [2, 1, 10000, [18, 11, 2, 1], 2, 1],
    ]
    ids = [ann['instance_id'] for ann in coco['annotations']]
    assert ids == [1, 2, 1, 3, 4]
    assert [ann['id'] for ann in coco['annotations']] == [1, 2, 3, 4, 5]
    assert coco['annotations'][0]['segmentation'] == {
        'size': [HEIGHT, WIDTH],
        'counts': OBJECTS[0].rle,
    }
    bars = sum(mask_utils.decode(a['segmentation']) for a in coco['annotations'][3:])
    np.testing.assert_array_equal(bars, ignore_region().mask)


def test_pngs_give_the_same_as_text(convert, root):
    convert(root, *TRAIN, '--out', root / 'from_txt')
    for name, num_frames in (('0001', 3), ('0002', 1)):
        folder = root / 'instances' / name
        folder.mkdir(parents=True)
        for frame in range(num_frames):
            image = np.zeros((HEIGHT, WIDTH), dtype=np.uint16)
            for o in OBJECTS:
                if name == '0001' and o.frame_id == frame:
                    image[o.mask] = o.track_id
            cv2.imwrite(str(folder / f'{frame:06d}.png'), image)
    convert(root, *TRAIN, '--masks', 'png')
    expected = json.loads((root / 'from_txt' / 'kitti_mots_train.json').read_text())
    assert load(root) == expected


def test_frames_come_from_the_seqmap_where_there_is_no_image(convert, root):
    (root / 'training').rename(root / 'elsewhere')
    (root / 'seqmaps').mkdir()
    (root / 'seqmaps' / 'train.seqmap').write_text('0001 empty 000000 000005\n')
    convert(root, '--split', 'train', '--train', '0001')
    assert [image['frame_id'] for image in load(root)['images']] == list(range(6))


def label(frame, kind, box):
    return f'{frame} 7 {kind} 0 0 -10 {" ".join(map(str, box))} 1 1 1 0 0 0 0\n'


def test_tracking_labels_replace_tight_boxes(convert, root, capsys):
    folder = root / 'training' / 'label_02'
    folder.mkdir()
    (folder / '0002.txt').write_text('')
    (folder / '0001.txt').write_text(
        label(0, 'Car', (1.5, 2.5, 8.5, 9.5))  # of the car, IoU 36 / 49
        + label(0, 'Car', (2, 3, 8, 6))  # worse one
        + label(0, 'Pedestrian', (10, 0, 12, 30))  # clipped to the frame
        + label(0, 'Van', (2, 3, 8, 9))  # another class
        + label(1, 'Car', (7, 3, 13, 9))  # too far: IoU 12 / 60
    )
    convert(root, *TRAIN, '--box-source', 'label_02')
    assert '1 of 3 objects keep the tight box' in capsys.readouterr().out
    boxes = [ann['bbox'] for ann in load(root)['annotations'][:3]]
    assert boxes == [[1.5, 2.5, 7, 7], [10, 0, 2, 12], [3, 3, 6, 6]]


def test_sequences_restrict_the_splits(convert, root):
    lists = ('--train', '0001', '--val', '0002', '--sequences', '0002')
    convert(root, '--split', 'val', *lists)
    assert [video['name'] for video in load(root, 'val')['videos']] == ['0002']
    with pytest.raises(SystemExit, match='no sequence to convert in the train split'):
        convert(root, *lists, '--overwrite')


def break_frame(root):
    (root / 'training/image_02/0001/000001.png').unlink()
    return r'0001/000001\.png: missing frame 1 of 3'


def break_last_frame(root):
    (root / 'training/image_02/0001/000001.png').unlink()
    (root / 'training/image_02/0001/000002.png').unlink()
    return r'0001/000001\.png: missing frame 1 of 2'


def break_sequence(root):
    (root / 'training/image_02/0002/000000.png').unlink()
    return 'image_02/0002: the sequence is empty'


def break_folder(root):
    folder = root / 'training/image_02/0002'
    (folder / '000000.png').unlink()
    folder.rmdir()
    return 'image_02/0002: no such folder'


def break_images(root):
    image = np.zeros((HEIGHT, WIDTH + 1, 3), dtype=np.uint8)
    cv2.imwrite(str(root / 'training/image_02/0001/000001.png'), image)
    return r'0001/000001\.png: the frame has the size \(12, 21\)'


def break_seqmap(root):
    (root / 'seqmaps').mkdir()
    (root / 'seqmaps' / 'train.seqmap').write_text('0001 empty 000000 000000\n')
    return r'0001\.txt: frame 1 lies beyond the 1 frames of the sequence'


def break_text(root):
    path = root / 'instances_txt/0001.txt'
    path.write_text(path.read_text() + '1 1003 1 12 20 00\n')
    return r'0001\.txt, line 5: '


def break_mask(root):
    empty = OBJECTS[0]._replace(track_id=1009, rle=mask_to_rle(np.zeros((12, 20))))
    write_mots_txt(root / 'instances_txt/0001.txt', [*OBJECTS, empty])
    return r'0001\.txt: the mask of id 1009 in frame 0 is empty'


def break_annotation(root):
    (root / 'instances_txt/0002.txt').unlink()
    return r'0002\.txt'


@pytest.mark.parametrize(
    'damage',
    [
        break_frame,
        break_last_frame,
        break_sequence,
        break_folder,
        break_images,
        break_seqmap,
        break_text,
        break_mask,
        break_annotation,
    ],
)
def test_bad_input_is_named_and_nothing_is_written(convert, root, damage):
    message = damage(root)
    with pytest.raises(SystemExit, match=f'^error: .*{message}'):
        convert(root, *TRAIN)
    assert not (root / 'annotations').exists()


@pytest.mark.parametrize(
    'image, message',
    [
        (np.full((HEIGHT, WIDTH), 3001, np.uint16), 'unknown class 3 of value 3001'),
        (np.full((HEIGHT, WIDTH), 1, np.uint8), 'not a 16-bit picture'),
        (np.full((HEIGHT, 9), 1001, np.uint16), 'the picture has the size'),
    ],
)
def test_bad_png_is_named(convert, root, image, message):
    folder = root / 'instances' / '0001'
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / '000000.png'), np.zeros((HEIGHT, WIDTH), np.uint16))
    cv2.imwrite(str(folder / '000001.png'), image)
    args = ('--split', 'train', '--train', '0001', '--masks', 'png')
    with pytest.raises(SystemExit, match=rf'000001\.png: {message}'):
        convert(root, *args)


def test_bad_label_is_named(convert, root):
    folder = root / 'training' / 'label_02'
    folder.mkdir()
    (folder / '0001.txt').write_text('0 7 Car 0 0 -10 1 1 5\n')
    with pytest.raises(SystemExit, match=r'0001\.txt, line 1: expected 17 .* got 9'):
        convert(root, *TRAIN, '--box-source', 'label_02')


def test_official_splits_have_the_published_counts(convert, shared_data, tmp_path):
    convert(shared_data / 'kitti_mots', '--out', tmp_path)
    expected = dict(
        train=(12, 5027, {1: 18831, 2: 8068}, {1: 431, 2: 99}),
        val=(9, 2981, {1: 8029, 2: 3347}, {1: 151, 2: 68}),
    )
    for split, (videos, frames, masks, tracks) in expected.items():
        coco = json.loads((tmp_path / f'kitti_mots_{split}.json').read_text())
        assert len(coco['videos']) == videos
        assert len(coco['images']) == frames
        objects = [ann for ann in coco['annotations'] if not ann['iscrowd']]
        assert Counter(ann['category_id'] for ann in objects) == masks
        identities = {(ann['category_id'], ann['instance_id']) for ann in objects}
        assert Counter(category for category, _ in identities) == tracks

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""On synthetic data in the format of MOTS20, whose own files we may not ship."""

import json
import runpy
import sys

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mots20_2coco import MOTS20_SPLITS, leave_one_out
from pycocotools import mask as mask_utils

from mmwsmots.fileio.mots_txt import write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle
from tests.mots20_files import HEIGHT, LENGTH, WIDTH, mots20_objects, write_mots20
from tests.quiet_run import run_script

EMPTY = mask_to_rle(np.zeros((HEIGHT, WIDTH), dtype=bool))
FOLDS = {'0002', '0005', '0009', '0011'}


@pytest.fixture
def root(tmp_path):
    return write_mots20(tmp_path / 'MOTS20')


@pytest.fixture
def convert(repo, monkeypatch):
    """Run the tool with a command line, in this process: mmdet imports slowly."""
    path = repo / 'tools' / 'dataset_converters' / 'mots20_2coco.py'

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        runpy.run_path(str(path), run_name='__main__')

    return run


def load(folder, name):
    return json.loads((folder / f'mots20_{name}.json').read_text())


def names(coco):
    return tuple(video['name'] for video in coco['videos'])


def test_every_split_has_its_sequences(repo, root):
    run_script(repo / 'tools/dataset_converters/mots20_2coco.py', root)
    out = root / 'annotations'
    assert len(list(out.iterdir())) == 2 + 2 * len(FOLDS)
    assert names(load(out, 'train')) == MOTS20_SPLITS['train']
    assert names(load(out, 'test')) == MOTS20_SPLITS['test']
    for fold in FOLDS:
        train, val = load(out, f'fold-{fold}_train'), load(out, f'fold-{fold}_val')
        assert names(val) == (f'MOTS20-{fold[2:]}',)
        assert set(names(train)) == set(MOTS20_SPLITS['train']) - set(names(val))


def test_folds_hold_each_training_sequence_out_once():
    folds = leave_one_out()
    assert set(folds) == FOLDS
    assert sorted(name for fold in folds.values() for name in fold['val']) == sorted(
        MOTS20_SPLITS['train']
    )


def test_every_field_of_a_sequence(convert, root):
    convert(root, '--split', 'folds')
    coco = load(root / 'annotations', 'fold-0005_val')
    assert coco['categories'] == [{'id': 2, 'name': 'pedestrian'}]
    size = {'width': WIDTH, 'height': HEIGHT}
    assert coco['videos'] == [
        {'id': 1, 'name': 'MOTS20-05', 'num_frames': LENGTH, **size}
    ]
    assert [(i['file_name'], i['frame_id']) for i in coco['images']] == [
        (f'MOTS20-05/img1/{t + 1:06d}.jpg', t) for t in range(LENGTH)
    ]
    objects = mots20_objects(number=1)
    assert len(coco['annotations']) == len(objects)
    for ann, obj in zip(coco['annotations'], objects):
        assert ann['image_id'] == obj.frame_id + 1
        assert ann['track_id'] == obj.track_id
        assert ann['iscrowd'] == (obj.class_id == 10)
        mask = mask_utils.decode(ann['segmentation']).astype(bool)
        np.testing.assert_array_equal(mask, obj.mask)
        ys, xs = obj.mask.nonzero()
        x, y, w, h = ann['bbox']
        assert (x, y, x + w, y + h) == (
            xs.min(),
            ys.min(),
            xs.max() + 1,
            ys.max() + 1,
        )


def test_pictures_give_the_same_as_text(convert, root):
    convert(root, '--split', 'train', '--out', root / 'from_txt')
    convert(root, '--split', 'train', '--out', root / 'from_png', '--masks', 'png')
    key = ['image_id', 'track_id', 'bbox', 'area', 'segmentation']
    by_source = []
    for folder in ('from_txt', 'from_png'):
        anns = load(root / folder, 'train')['annotations']
        rows = [[ann[k] for k in key] for ann in anns]
        by_source.append(sorted(rows, key=lambda row: row[:2]))
    assert by_source[0] == by_source[1]


def test_the_data_set_reads_pedestrians_and_their_frames(convert, root):
    convert(root, '--split', 'train', 'test')
    build = dict(type='MOTS20Dataset', pipeline=[], test_mode=True)
    dataset = DATASETS.build(
        dict(
            build,
            ann_file=str(root / 'annotations/mots20_train.json'),
            data_prefix=dict(img_path=str(root / 'train')),
        )
    )
    assert dataset.metainfo['classes'] == ('pedestrian',)
    assert len(dataset) == 4
    frames = dataset.get_data_info(0)['images']
    assert cv2.imread(frames[0]['img_path']).shape == (HEIGHT, WIDTH, 3)
    assert [[i['ignore_flag'] for i in frame['instances']] for frame in frames] == [
        [0],
        [0, 1],
        [0, 0],
        [0, 0],
    ]
    assert all(
        i['bbox_label'] == 0 and 'mask' not in i
        for frame in frames
        for i in frame['instances']
    )
    test = DATASETS.build(
        dict(
            build,
            ann_file=str(root / 'annotations/mots20_test.json'),
            data_prefix=dict(img_path=str(root / 'test')),
        )
    )
    frames = test.get_data_info(3)['images']
    assert len(frames) == LENGTH and frames[0]['instances'] == []
    assert frames[0]['img_path'].endswith('MOTS20-12/img1/000001.jpg')


def test_frames_may_be_elsewhere(convert, root):
    (root / 'train/MOTS20-02/img1').rename(root / 'elsewhere')
    convert(root, '--split', 'train')
    assert load(root / 'annotations', 'train')['videos'][0]['num_frames'] == LENGTH


def edit_seqinfo(old, new):
    def damage(root):
        path = root / 'train/MOTS20-05/seqinfo.ini'
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return damage


def add_object(**fields):
    def damage(root):
        objects = mots20_objects(1)
        extra = objects[0]._replace(**fields)
        path = root / 'train/MOTS20-05/gt/gt.txt'
        write_mots_txt(path, [*objects, extra], first_frame=1)

    return damage


def remove(name):
    return lambda root: (root / name).unlink()


def zero_based(root):
    write_mots_txt(root / 'train/MOTS20-05/gt/gt.txt', mots20_objects(1))


def small_frame(root):
    image = np.zeros((HEIGHT, WIDTH + 1, 3), np.uint8)
    cv2.imwrite(str(root / 'train/MOTS20-05/img1/000003.jpg'), image)


@pytest.mark.parametrize(
    'damage, message',
    [
        (edit_seqinfo('[Sequence]', '[Seq]'), r'seqinfo\.ini: no seqinfo.ini with a'),
        (edit_seqinfo('seqLength=4', ''), r'seqinfo\.ini: seqLength must be a number'),
        (edit_seqinfo('=48', '=-48'), r'seqinfo\.ini: imHeight must be .* got "-48"'),
        (edit_seqinfo('=48', '=50'), r'gt\.txt: the masks have the size \(48, 64\)'),
        (edit_seqinfo('seqLength=4', 'seqLength=3'), r'gt\.txt: frame 4 lies beyond'),
        (edit_seqinfo('seqLength=4', 'seqLength=5'), r'img1/000005\.jpg: missing'),
        (remove('train/MOTS20-05/seqinfo.ini'), r'MOTS20-05/seqinfo\.ini'),
        (remove('train/MOTS20-05/gt/gt.txt'), r'MOTS20-05/gt/gt\.txt'),
        (remove('train/MOTS20-05/img1/000002.jpg'), r'000002\.jpg: missing frame 2 of'),
        (remove('test/MOTS20-12/img1/000001.jpg'), r'000001\.jpg: missing frame 1 of'),
        (zero_based, r'gt\.txt, line 1: frame 0 lies before the first frame, 1'),
        (small_frame, r'000003\.jpg: the frame has the size \(48, 65\)'),
        (
            add_object(frame_id=3, track_id=1001, class_id=1, rle=EMPTY),
            r'gt\.txt: class 1 of id 1001 in frame 4 is none of',
        ),
        (
            add_object(frame_id=2, track_id=2009, rle=EMPTY),
            r'gt\.txt: the mask of id 2009 in frame 3 is empty',
        ),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(convert, root, damage, message):
    damage(root)
    with pytest.raises(SystemExit, match=f'^error: .*{message}'):
        convert(root)
    assert not (root / 'annotations').exists()

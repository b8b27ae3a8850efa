# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Classes of any name, by commands alone: train, label, track, evaluate, report."""

import json
import sys

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

import mmwsmots_cli as cli
from mmwsmots.fileio.mots_txt import read_mots_txt
from tests.quiet_run import run_script
from tests.small_model import SIZE, small_config

STREET = ('person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck')
NUM_FRAMES = 2


@pytest.fixture
def command(repo, monkeypatch, tmp_path, classes):
    """Run ``mmwsmots`` in an empty folder.

    For one class in a fresh interpreter, but for the scripts that have such a test.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    monkeypatch.setattr(sys, 'argv', [])

    def run(*argv):
        if len(classes) == 1 and argv[0] not in ('eval', 'track'):
            run_script(repo / 'mmwsmots_cli.py', *argv)
        else:
            cli.main([str(arg) for arg in argv])

    yield run
    for name in ('runner_options', 'evaluation_options'):
        sys.modules.pop(name, None)


def write_clip(classes, folder):
    """Frames with a rectangle of each class, and their boxes and masks as CocoVID."""
    width, height = SIZE
    rng = np.random.default_rng(0)
    images, annotations = [], []
    (folder / 'clip').mkdir()
    for frame in range(NUM_FRAMES):
        image = rng.integers(0, 99, (height, width, 3), dtype=np.uint8)
        for number in range(len(classes)):
            x, y = 15 * number + 2, 8 + 2 * frame
            image[y : y + 30, x : x + 12] = 250 - 30 * number
            mask = np.zeros((height, width), np.uint8, order='F')
            mask[y : y + 30, x : x + 12] = 1
            rle = mask_utils.encode(mask)
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=frame,
                    category_id=10 + number,
                    track_id=number,
                    bbox=[x, y, 12, 30],
                    area=360,
                    segmentation=dict(rle, counts=rle['counts'].decode()),
                )
            )
        name = f'clip/{frame:06d}.png'
        cv2.imwrite(str(folder / name), image)
        shape = dict(width=width, height=height)
        images.append(
            dict(id=frame, video_id=1, frame_id=frame, file_name=name, **shape)
        )
    # The categories come in another order than the classes.
    categories = [dict(id=10 + i, name=name) for i, name in enumerate(classes)][::-1]
    coco = dict(
        categories=categories,
        videos=[dict(id=1, name='clip')],
        images=images,
        annotations=annotations,
    )
    (folder / 'boxes.json').write_text(json.dumps(coco))


@pytest.mark.parametrize('classes', [STREET, ('лодка',)])
def test_train_label_track_evaluate_and_report(repo, tmp_path, command, classes):
    write_clip(classes, tmp_path)
    cfg = small_config(repo)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = f'{tmp_path}/'
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1, val_begin=10**9)
    cfg.dump('small.py')
    model = 'small.py', 'run/iter_1.pth'

    command('train', 'small.py', '--classes', *classes, '--work-dir', 'run')
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert f'{classes[-1]} {NUM_FRAMES} in 1 tracks' in log

    options = '--config', model[0], '--checkpoint', model[1], '--out', 'labels'
    command('label', 'clip', 'boxes.json', *options)
    command('track', 'clip', *model, '--out', 'tracks')
    for folder in ('labels', 'tracks'):
        text = (tmp_path / folder / 'labels.txt').read_text(encoding='utf-8')
        assert text.splitlines() == list(classes)
    labels = read_mots_txt('labels/instances_txt/clip.txt', class_ids=None)
    numbers = {obj.class_id for obj in labels}
    assert len(numbers) > 0 and numbers <= set(range(1, len(classes) + 1))

    truth = 'convert', 'boxes.json', 'truth/clip.txt', '--to', 'kitti_mots'
    command(*truth)
    text = (tmp_path / 'truth/labels.txt').read_text(encoding='utf-8')
    assert sorted(text.splitlines()) == sorted(classes)
    files = '--gt', 'truth', '--results', 'labels/instances_txt'
    command('eval', *files, '--json', 'scores.json')
    scores = json.loads((tmp_path / 'scores.json').read_text())['results']
    assert set(scores) == set(classes)
    for row in scores.values():
        assert row['TP'] + row['FN'] == NUM_FRAMES
    command('eval', *files, '--classes', classes[0], '--json', 'one.json')
    one = json.loads((tmp_path / 'one.json').read_text())['results']
    assert one == {classes[0]: scores[classes[0]]}

    results = '--gt', 'truth', '--results', 'tracks', '--frames', '.'
    command('report', *results, '--out', 'report.html')
    page = (tmp_path / 'report.html').read_text(encoding='utf-8')
    assert all(name in page for name in classes)

    metric = [f'test_evaluator.{key}' for key in ('gt_dir=truth', 'format_only=False')]
    metric.append('test_evaluator.outfile_prefix=tested')
    command('test', *model, '--work-dir', 'tested_run', '--cfg-options', *metric)
    tested = (tmp_path / 'tested/clip.txt').read_text()
    tracked = (tmp_path / 'tracks/clip.txt').read_text()
    assert tested == tracked

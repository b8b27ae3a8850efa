# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What tools/train.py makes of classes that do not fit: it stops before training."""

import json
import sys

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from tests.load_script import load_script
from tests.small_model import small_config


@pytest.fixture
def train(repo, tmp_path, monkeypatch, capsys):
    """Run the tool on a clip of two boats and one kite; returns its error."""
    monkeypatch.syspath_prepend(str(repo / 'tools'))
    (tmp_path / 'clip').mkdir()
    for number in range(2):
        picture = np.full((64, 96, 3), 40 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f'clip/{number:06d}.png'), picture)
    coco = dict(
        categories=[dict(id=1, name='kite'), dict(id=2, name='лодка')],
        images=[
            dict(id=i, frame_id=i, file_name=f'clip/{i:06d}.png', width=96, height=64)
            for i in range(2)
        ],
        annotations=[
            dict(id=i, image_id=i, category_id=1 + i, bbox=[9, 9, 40, 30], track_id=i)
            for i in range(2)
        ],
    )
    (tmp_path / 'boxes.json').write_text(json.dumps(coco))
    cfg = small_config(repo)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = f'{tmp_path}/'
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1, val_begin=10**9)
    cfg.dump(tmp_path / 'small.py')

    def run(*options):
        script = load_script(repo / 'tools/train.py')
        folder = str(tmp_path / 'run')
        try:
            script.main([str(tmp_path / 'small.py'), '--work-dir', folder, *options])
        except SystemExit as error:
            return str(error)
        return ''

    yield run
    sys.modules.pop('runner_options', None)


def test_classes_of_the_command_line(train, tmp_path):
    assert train('--classes', 'kite', 'лодка') == ''
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert 'boxes to train on: kite 1 in 1 tracks, лодка 1 in 1 tracks' in log
    # A second run goes on with the same classes only.
    message = train('--classes', 'лодка', 'kite', '--resume')
    assert message.startswith('error: ') and 'the config trains on лодка' in message
    (tmp_path / 'run/last_checkpoint').write_text('')  # killed as it was written
    message = train('--classes', 'kite', 'лодка', '--resume')
    assert 'run/last_checkpoint names no file, but "": give --resume' in message


def test_other_classes_stop_before_training(train):
    message = train()
    assert 'error: ' in message and "no category 'car'" in message
    assert 'categories of the file: kite, лодка' in message


def test_a_missing_picture_stops_before_training(train, tmp_path):
    (tmp_path / 'clip/000001.png').unlink()
    message = train('--classes', 'kite', 'лодка')
    assert message == (
        f'error: {tmp_path}/clip/000001.png: no such picture, the train data set lacks '
        '1 of 2; is its data_prefix right?'
    )
    assert not list((tmp_path / 'run').glob('*.pth'))


def test_a_picture_of_another_size_stops_in_one_sentence(train, tmp_path):
    for number in range(2):
        path = tmp_path / f'clip/{number:06d}.png'
        cv2.imwrite(str(path), np.zeros((30, 40, 3), np.uint8))
    message = train('--classes', 'kite', 'лодка')
    assert message.startswith(f'error: {tmp_path}/clip/00000')
    assert message.endswith('has the size 40 x 30, in the annotations 96 x 64')


def test_missing_data_of_the_validation_stop_before_training(train):
    option = 'val_dataloader.dataset.ann_file=none.json'
    message = train('--classes', 'kite', 'лодка', '--cfg-options', option)
    assert message.startswith('error: ') and 'none.json' in message


def test_a_missing_picture_of_the_validation_stops_before_training(train, tmp_path):
    coco = json.loads((tmp_path / 'boxes.json').read_text())
    coco['images'][0]['file_name'] = 'clip/none.png'
    (tmp_path / 'val.json').write_text(json.dumps(coco))
    option = 'val_dataloader.dataset.ann_file=val.json'
    message = train('--classes', 'kite', 'лодка', '--cfg-options', option)
    assert 'clip/none.png: no such picture, the val data set lacks 1 of 2' in message


def test_a_broken_picture_of_the_validation_is_named(train, tmp_path):
    coco = json.loads((tmp_path / 'boxes.json').read_text())
    coco['images'][0]['file_name'] = 'clip/broken.png'
    (tmp_path / 'clip/broken.png').write_bytes(b'no picture')
    (tmp_path / 'val.json').write_text(json.dumps(coco))
    options = ['val_dataloader.dataset.ann_file=val.json', 'train_cfg.val_begin=1']
    options.append('train_cfg.val_interval=1')
    message = train('--classes', 'kite', 'лодка', '--cfg-options', *options)
    assert message.startswith('error: ')
    assert message.endswith('clip/broken.png: the picture cannot be read')


def test_missing_weights_to_start_from_stop_before_training(train, tmp_path):
    cfg = Config.fromfile(tmp_path / 'small.py')
    start = dict(type='Pretrained', checkpoint='no.pth')
    cfg.model.detector.backbone.init_cfg = start
    cfg.dump(tmp_path / 'small.py')
    message = train('--classes', 'kite', 'лодка')
    assert message.startswith('error: no.pth: no such file, weights of the ')


def test_settings_that_do_not_fit_stop_before_training(train):
    classes = '--classes', 'kite', 'лодка', '--cfg-options'
    message = train(*classes, 'model.nothing=1')
    assert 'small.py: cannot be built: ' in message and "'nothing'" in message
    message = train(*classes, 'train_dataloader.sampler.type=Unheard')
    assert 'small.py: cannot be built: ' in message and 'Unheard' in message


def test_heads_that_were_forgotten_stop_before_training(train):
    classes = 'train_dataloader.dataset.metainfo.classes=(kite,лодка,bus)'
    message = train('--cfg-options', classes)
    assert 'bbox_head.num_classes is 2, but' in message
    assert 'has 3 classes: kite, лодка, bus' in message

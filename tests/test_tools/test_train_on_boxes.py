# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import importlib
import json
import multiprocessing
import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmwsmots.fileio.box_readers import TrackedBox
from tests.load_script import load_script
from tests.small_masker import small_masker
from tests.small_model import SIZE

WIDTH, HEIGHT = SIZE
NUM_FRAMES = 4
NUM_ITERS = 30  # enough that a busy machine kills in time
# The package has a function of the module's name.
MODULE = importlib.import_module('mmwsmots.apis.adapt_box_masker')
TOOLS = Path(__file__).resolve().parents[2] / 'tools'
train_on_boxes = load_script(TOOLS / 'train_on_boxes.py').train_on_boxes


@pytest.fixture
def masker(repo, tmp_path):
    """Config, which adapts from boxes alone, and checkpoint."""
    config, checkpoint = small_masker(repo, tmp_path, 'boxes')
    return Config.fromfile(config), checkpoint


@pytest.fixture
def clip(tmp_path):
    """A folder of frames; in natural order, 10 is the last."""
    folder = tmp_path / 'clip'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i, name in enumerate((1, 2, 3, 10)):
        image = rng.integers(60, 120, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        image[20:50, 10 + 4 * i : 40 + 4 * i] = (30, 200, 90)
        cv2.imwrite(str(folder / f'{name}.png'), image)
    return folder


BOXES = [
    TrackedBox(i, 7, 'car', (10 + 4 * i, 20, 40 + 4 * i, 50), False, f'line {i}')
    for i in range(NUM_FRAMES)
]


def weights(path):
    return torch.load(path, weights_only=False)['state_dict']


def test_what_is_trained_on(masker, clip, tmp_path):
    (clip / '2.png').write_bytes(b'no picture')
    others = [
        BOXES[0]._replace(track_id=8, bbox=(-5.0, 0.0, 5.0, 9.0), is_ignored=True),
        BOXES[0]._replace(track_id=9, bbox=(96.0, 0.0, 99.0, 9.0)),  # outside
        BOXES[0]._replace(track_id=9, frame_id=4),
        BOXES[0]._replace(track_id=9, frame_id=-1),
    ]
    before = masker[0].pretty_text
    boxes = [BOXES[0]._replace(class_name='лодка', track_id=3), *BOXES, *others]
    checkpoint = train_on_boxes(*masker, clip, boxes, tmp_path / 'out', 2)
    assert masker[0].pretty_text == before
    assert checkpoint == tmp_path / 'out/run/iter_2.pth'
    assert weights(checkpoint).keys() == weights(masker[1]).keys()
    coco = json.loads((tmp_path / 'out/boxes.json').read_text())
    names = [image['file_name'] for image in coco['images']]
    assert names == [f'clip/{name}.png' for name in (1, 2, 3, 10)]
    assert [c['name'] for c in coco['categories']] == ['лодка', 'car']
    found = [
        (ann['image_id'] - 1, ann['track_id'], ann['bbox'], ann['iscrowd'])
        for ann in coco['annotations']
    ]
    assert found == [
        (0, 3, [10, 20, 30, 30], 0),
        (0, 7, [10, 20, 30, 30], 0),
        (2, 7, [18, 20, 30, 30], 0),
        (3, 7, [22, 20, 30, 30], 0),
        (0, 8, [0, 0, 5, 9], 1),
    ]
    cfg = Config.fromfile(next((tmp_path / 'out/run').glob('*/vis_data/config.py')))
    assert cfg.train_cfg.max_iters == cfg.param_scheduler[1].T_max == 2
    assert cfg.param_scheduler[0].end == 1
    assert cfg.optim_wrapper.optimizer.type == 'AdamW'
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(1e-3)
    assert cfg.randomness.seed == 0


def test_starts_from_a_checkpoint(masker, clip, tmp_path):
    config, checkpoint = masker
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='no')
    config.optim_wrapper.optimizer.lr = 0
    trained = weights(train_on_boxes(*masker, clip, BOXES, tmp_path / 'out', 1))
    before = weights(checkpoint)
    assert all(torch.equal(value, trained[name]) for name, value in before.items())


def test_video(masker, clip, tmp_path):
    video = cv2.VideoWriter(
        str(tmp_path / 'drive.avi'), cv2.VideoWriter_fourcc(*'FFV1'), 8, SIZE
    )
    images = [cv2.imread(str(clip / f'{name}.png')) for name in (1, 2, 3, 10)]
    for image in images:
        video.write(image)
    video.release()
    out = tmp_path / 'out'
    train_on_boxes(*masker, tmp_path / 'drive.avi', BOXES, out, 1)
    files = sorted((out / 'frames/drive').iterdir())
    assert [file.name for file in files] == [f'{i:06d}.png' for i in range(4)]
    for file, image in zip(files, images):
        assert np.abs(cv2.imread(str(file)).astype(int) - image).mean() < 3


def test_killed_and_resumed(masker, clip, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(MODULE, 'SAVE_INTERVAL', 1)
    out = tmp_path / 'out'
    args = (*masker, clip, BOXES, out, NUM_ITERS, True)
    context = multiprocessing.get_context('fork')
    process = context.Process(target=train_on_boxes, args=args)
    process.start()
    deadline = time.monotonic() + 300
    while process.is_alive() and time.monotonic() < deadline:
        if (out / 'run/last_checkpoint').exists():
            break
        time.sleep(0.002)
    process.kill()
    process.join()
    last = Path((out / 'run/last_checkpoint').read_text())
    first = 1 + (int(last.stem[5:]) if last.is_file() else 0)
    assert last.name != f'iter_{NUM_ITERS}.pth'  # it was killed in time
    capfd.readouterr()
    assert train_on_boxes(*args) == out / f'run/iter_{NUM_ITERS}.pth'
    log = ''.join(capfd.readouterr())
    steps = re.findall(r'Iter\(train\) \[ *(\d+)/', log)
    assert steps == [str(n) for n in range(first, NUM_ITERS + 1)]
    assert train_on_boxes(*args) == out / f'run/iter_{NUM_ITERS}.pth'
    assert 'Iter(train)' not in ''.join(capfd.readouterr())


def test_the_first_stage_teaches(repo, clip, tmp_path, monkeypatch):
    """It learns from the boxes; the masker learns from the labels of both."""
    config, checkpoint = small_masker(repo, tmp_path)
    config = Config.fromfile(config)
    config.first_stage.update(num_iters_factor=2)
    config.model.test_cfg.mask_thr_binary = 0.4
    label, teachers = MODULE.label_dataset, []

    def label_dataset(cfg, weights, ann_file, *args, **kwargs):
        assert cfg.model.test_cfg.mask_thr_binary == 0.4
        teachers.append((cfg.model.type, weights, ann_file))
        return label(cfg, weights, ann_file, *args, **kwargs)

    monkeypatch.setattr(MODULE, 'label_dataset', label_dataset)
    out = tmp_path / 'out'
    trained = train_on_boxes(config, checkpoint, clip, BOXES, out, 2)
    first = out / 'run/first_stage/iter_4.pth'
    both = out / 'run/ensemble.pth'
    assert teachers == [('BoxMaskerEnsemble', both, out / 'boxes.json')]
    expected = dict(weights(checkpoint))
    expected.update({f'other.{k}': v for k, v in weights(first).items()})
    assert weights(both).keys() == expected.keys()
    for key, value in weights(both).items():
        torch.testing.assert_close(value, expected[key])
    assert weights(trained).keys() == weights(checkpoint).keys()
    cfgs = [
        Config.fromfile(next(folder.glob('2*/vis_data/config.py')))
        for folder in (out / 'run/first_stage', out / 'run')
    ]
    files = [cfg.train_dataloader.dataset.ann_file for cfg in cfgs]
    assert files == [str(out / 'boxes.json'), str(out / 'run/masks.json')]
    assert cfgs[1].model.test_cfg.mask_thr_binary == 0.4
    # the mean of the weights is over a fifth of a short run
    hooks = [hook for hook in cfgs[1].custom_hooks if hook.type == 'EMAHook']
    assert hooks[0].momentum == pytest.approx(5 / 7)


def test_weights_that_do_not_fit(repo, masker, clip, tmp_path):
    """The runner alone would take those whose names fit and leave the rest random."""
    config, checkpoint = small_masker(repo, tmp_path)
    config = Config.fromfile(config)
    with pytest.raises(ValueError, match=r'masker\.pth'):
        train_on_boxes(masker[0], checkpoint, clip, BOXES, tmp_path / 'a', 1)
    config.first_stage.checkpoint = str(checkpoint)
    with pytest.raises(ValueError, match=r'masker\.pth'):
        train_on_boxes(config, checkpoint, clip, BOXES, tmp_path / 'b', 1)
    config.first_stage.checkpoint = str(tmp_path / 'no.pth')
    with pytest.raises(FileNotFoundError, match=r'no\.pth: no such checkpoint file'):
        train_on_boxes(config, checkpoint, clip, BOXES, tmp_path / 'c', 1)


def test_nothing_to_train_on(masker, clip, tmp_path):
    outside = BOXES[0]._replace(bbox=(96.0, 0.0, 99.0, 9.0))
    ignored = BOXES[1]._replace(is_ignored=True)
    for boxes in ([outside, ignored], [ignored]):
        with pytest.raises(ValueError, match='clip: no box lies in a readable frame'):
            train_on_boxes(*masker, clip, boxes, tmp_path / 'out', 1)
    for path in clip.iterdir():
        path.write_bytes(b'no picture')
    with pytest.raises(ValueError, match='clip: no frame can be read'):
        train_on_boxes(*masker, clip, BOXES, tmp_path / 'out', 1)
    assert not (tmp_path / 'out').exists()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import multiprocessing
import time

import cv2
import numpy as np
import pytest
from mmdet.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmwsmots.datasets.cocovid import CocoVIDBuilder
from mmwsmots.utils import weights_only

SIZE = 96, 64
ITERS = 8


@HOOKS.register_module()
class WriteLossHook(Hook):
    """Appends the loss of each iteration to a file."""

    def __init__(self, path):
        self.path = path

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        with open(self.path, 'a') as file:
            file.write(json.dumps([runner.iter, float(outputs['loss'])]) + '\n')


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    """Two videos of noise with boxes."""
    root = tmp_path_factory.mktemp('noise')
    rng = np.random.default_rng(0)
    builder = CocoVIDBuilder(dict(car=1, pedestrian=2))
    for video in range(2):
        folder = root / f'training/image_02/{video:04d}'
        folder.mkdir(parents=True)
        names = [f'{video:04d}/{i:06d}.png' for i in range(4)]
        number = builder.add_video(f'{video:04d}', names, SIZE[::-1])
        for i, name in enumerate(names):
            image = rng.integers(0, 256, (*SIZE[::-1], 3), np.uint8)
            cv2.imwrite(str(folder.parent / name), image)
            for track in range(2):
                bbox = [8 + 40 * track + 2 * i, 10, 34, 36]
                builder.add_object(number, i, 1, track, bbox=bbox, area=34 * 36)
    builder.write(root / 'annotations/kitti_mots_train.json')
    return root


def train(repo, data_root, work_dir, num_workers, resume=False):
    """Train to the end; returns the loss of each iteration."""
    cfg = Config.fromfile(repo / 'configs/wsmots-plus_mnv2_fpn_rendered.py')
    for name in ('val', 'test'):
        for part in ('dataloader', 'evaluator', 'cfg'):
            cfg[f'{name}_{part}'] = None
    loader = cfg.train_dataloader
    loader.num_workers = num_workers
    loader.persistent_workers = num_workers > 0
    loader.dataset.data_root = f'{data_root}/'
    loader.dataset.pipeline[1].transforms[2].scale = SIZE
    cfg.model.detector.backbone.init_cfg = None
    cfg.train_cfg.max_iters = ITERS
    cfg.default_hooks.checkpoint.interval = 2
    losses = work_dir / 'losses.txt'
    cfg.custom_hooks = [

        dict(type='WriteLossHook', path=str(losses)),
    ]
    cfg.randomness = dict(seed=7)
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = f'{work_dir.parent.name}_{work_dir.name}_{resume}'
    cfg.resume = resume
    runner = Runner.from_cfg(cfg)
    with weights_only():
        runner.train()
    return [json.loads(line) for line in losses.read_text().splitlines()]


@pytest.mark.parametrize('num_workers', [0, 1])
def test_killed_and_resumed(repo, data_root, tmp_path, num_workers):
    """Killed with -9 at a random moment, the losses go on as if it had not been."""
    expected = train(repo, data_root, tmp_path / 'whole', num_workers)
    assert [number for number, _ in expected] == list(range(ITERS))
    assert len({loss for _, loss in expected}) == ITERS

    work_dir = tmp_path / 'killed'
    context = multiprocessing.get_context('fork')
    process = context.Process(
        target=train, args=(repo, data_root, work_dir, num_workers)
    )
    process.start()
    deadline = time.monotonic() + 300
    while not (work_dir / 'last_checkpoint').exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(np.random.default_rng().uniform(0, 0.5))
    process.kill()
    process.join()
    before = (work_dir / 'losses.txt').read_text().count('\n')
    assert 2 <= before < ITERS  # it was killed in time
    losses = train(repo, data_root, work_dir, num_workers, resume=True)
    first = losses[before][0]
    assert first >= 2  # not from the start
    assert losses[before:] == expected[first:]
    assert losses[:before] == expected[:before]

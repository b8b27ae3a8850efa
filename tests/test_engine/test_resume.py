# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import multiprocessing
import time
import types
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from benchmarks.common import find_transform
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.utils import weights_only

SIZE = 96, 64
ITERS = 10


@HOOKS.register_module()
class WriteLossHook(Hook):
    """Appends each loss to a file; checks where a resumed run starts."""

    def __init__(self, path):
        self.path = path

    def before_train(self, runner):
        if not runner._resume:
            return
        work_dir = Path(runner.work_dir)
        name = Path((work_dir / 'last_checkpoint').read_text()).name
        with weights_only():
            saved = torch.load(work_dir / name)
        assert runner.iter == saved['meta']['iter'] > 0
        assert runner.epoch == saved['meta']['epoch']
        equal = partial(torch.testing.assert_close, rtol=0, atol=0)
        equal(runner.model.state_dict(), saved['state_dict'])
        equal(runner.optim_wrapper.state_dict(), saved['optimizer'])
        schedules = [schedule.state_dict() for schedule in runner.param_schedulers]
        assert str(schedules) == str(saved['param_schedulers'])

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        with open(self.path, 'a') as file:
            file.write(json.dumps([runner.iter, float(outputs['loss'])]) + '\n')


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """mmengine sleeps for two seconds where the data start again."""
    pause = types.SimpleNamespace(sleep=lambda seconds: None)
    monkeypatch.setattr('mmengine.runner.loops.time', pause)


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


def train(repo, data_root, work_dir, by_epoch, resume=False):
    """Train to the end, with persistent workers; returns number and loss by line."""
    cfg = Config.fromfile(repo / 'configs/wsmots/wsmots_mnv2_fpn_rendered.py')
    for name in ('val', 'test'):
        for part in ('dataloader', 'evaluator', 'cfg'):
            cfg[f'{name}_{part}'] = None
    loader = cfg.train_dataloader
    loader.batch_size = 2
    loader.num_workers = 2 if by_epoch else 1
    loader.persistent_workers = True
    loader.dataset.data_root = f'{data_root}/'
    find_transform(loader.dataset.pipeline, 'RandomResize').scale = SIZE
    cfg.model.detector.backbone.init_cfg = None
    cfg.model.detector.roi_head.bbox_head.fc_out_channels = 32
    cfg.model.detector.roi_head.mask_head.num_convs = 1
    cfg.default_hooks.checkpoint.by_epoch = by_epoch
    cfg.default_hooks.checkpoint.interval = 1 if by_epoch else 2
    if by_epoch:  # two iterations each
        cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=ITERS // 2)
    else:
        cfg.train_cfg.max_iters = ITERS
    losses = work_dir / 'losses.txt'
    cfg.custom_hooks = [dict(type='WriteLossHook', path=str(losses))]
    cfg.randomness = dict(seed=7)
    cfg.work_dir = str(work_dir)
    number = len(list(work_dir.iterdir())) if work_dir.exists() else 0
    cfg.experiment_name = f'{work_dir.parent.name}_{work_dir.name}_{number}'
    cfg.resume = resume
    runner = Runner.from_cfg(cfg)
    with weights_only():
        runner.train()
    return [json.loads(line) for line in losses.read_text().splitlines()]


def num_lines(path):
    return path.read_text().count('\n') if path.exists() else 0


@pytest.mark.parametrize('by_epoch', [False, True])
def test_killed_twice_and_resumed(repo, data_root, tmp_path, by_epoch):
    """Killed with -9 at random moments, it goes on from the last checkpoint."""
    work_dir = tmp_path / 'killed'
    context = multiprocessing.get_context('fork')
    rng = np.random.default_rng()
    starts = []
    for resume in (False, True):
        starts.append(num_lines(work_dir / 'losses.txt'))
        args = (repo, data_root, work_dir, by_epoch, resume)
        process = context.Process(target=train, args=args)
        process.start()
        deadline = time.monotonic() + 300
        # The first checkpoint is there before the third loss.
        wanted = starts[-1] + rng.integers(3, 5) - 2 * resume
        while num_lines(work_dir / 'losses.txt') < wanted:
            assert process.is_alive() and time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.join()
    starts.append(num_lines(work_dir / 'losses.txt'))
    losses = train(repo, data_root, work_dir, by_epoch, resume=True)
    for start in starts[1:]:
        assert losses[start - 1][0] < ITERS - 1  # killed in time
        assert losses[start][0] > 0  # and not from the start again
    assert losses[-1][0] == ITERS - 1

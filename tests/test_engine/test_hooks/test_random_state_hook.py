# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy
import json
import multiprocessing
import os
import time
import types
from functools import partial

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import HOOKS
from mmengine.config import Config
from mmengine.dataset import worker_init_fn
from mmengine.evaluator import DumpResults, Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import ConcatDataset, DataLoader, Subset

from benchmarks.common import find_transform
from mmwsmots.engine import RandomStateHook
from mmwsmots.engine.hooks.epoch_seed import EpochSeed
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.utils import weights_only
from tests.processes import run_processes
from tests.toy_run import NUM_BATCHES, LossesHook, Noise, build_runner
from tests.toy_run import train as train_toy

SIZE = 96, 64
ITERS = 10


@HOOKS.register_module()
class WriteLossHook(Hook):
    """Appends the loss of each iteration to a file."""

    def __init__(self, path):
        self.path = path

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
    cfg = Config.fromfile(repo / 'configs/wsmots/wsmots-plus_mnv2_fpn_rendered.py')
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
    cfg.custom_hooks = [
        dict(type='RandomStateHook'),
        dict(type='WriteLossHook', path=str(losses)),
    ]
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
    """Killed with -9 at random moments, the losses go on as if it had not been."""
    expected = train(repo, data_root, tmp_path / 'whole', by_epoch)
    assert [number for number, _ in expected] == list(range(ITERS))
    assert len({loss for _, loss in expected}) == ITERS

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
    assert all(loss == expected[number][1] for number, loss in losses)


VARIANTS = [(0, False), (2, False), (2, True)]  # workers, and whether they persist


def toy_losses(work_dir, stop_at=None, resume=False, **options):
    """Losses of the toy training, by iteration."""
    losses = LossesHook(stop_at)
    by_epoch = options.get('by_epoch', True)
    checkpoint = dict(type='CheckpointHook', interval=1 if by_epoch else 3)
    runner = build_runner(
        work_dir,
        [RandomStateHook(), losses],
        default_hooks=dict(checkpoint=dict(checkpoint, by_epoch=by_epoch)),
        resume=resume,
        **options,
    )
    train_toy(runner)
    return losses.losses


@pytest.mark.parametrize('by_epoch', [True, False])
@pytest.mark.parametrize(('num_workers', 'persistent'), VARIANTS)
def test_any_loop_and_loader_goes_on(tmp_path, by_epoch, num_workers, persistent):
    options = dict(by_epoch=by_epoch, num_workers=num_workers, persistent=persistent)
    expected = toy_losses(tmp_path / 'whole', **options)
    assert len(set(expected.values())) == 4 * NUM_BATCHES
    before = toy_losses(tmp_path / 'run', stop_at=NUM_BATCHES + 2, **options)
    after = toy_losses(tmp_path / 'run', resume=True, **options)
    assert min(after) == (NUM_BATCHES if by_epoch else 6)
    assert {**before, **after} == expected
    assert after == {number: expected[number] for number in after}


def worker_numbers(persistent):
    """What the workers draw in three epochs, as sorted tuples."""
    loader = DataLoader(
        Noise(4),
        num_workers=2,
        persistent_workers=persistent,
        worker_init_fn=partial(worker_init_fn, num_workers=2, rank=0, seed=5),
    )
    seed = EpochSeed(5, 0)
    seed.install(loader)
    epochs = []
    for epoch in range(3):
        seed.set_epoch(epoch)
        epochs.append([float(data['inputs']) for data in loader])
    return epochs


def test_workers_draw_new_numbers_in_each_epoch():
    first, second = worker_numbers(True), worker_numbers(False)
    assert first == second
    assert len({number for epoch in first for number in epoch}) == 12


def test_workers_of_wrapped_data_sets_are_reached():
    dataset = Subset(ConcatDataset([Noise(1), Noise(1)]), [1, 0])
    loader = DataLoader(dataset, num_workers=1)
    numbers = []
    for start in (0, 1):
        torch.manual_seed(start)  # of which torch seeds the workers
        seed = EpochSeed(5, 0)
        seed.install(loader)
        numbers.append([float(data['inputs']) for data in loader])
    assert numbers[0] == numbers[1]


def test_validation_does_not_change_the_training(tmp_path):
    options = dict(default_hooks=dict(checkpoint=None))
    losses = []
    for name in ('without', 'with'):
        hook = LossesHook()
        runner = build_runner(
            tmp_path / name, [RandomStateHook(), hook], **copy.deepcopy(options)
        )
        train_toy(runner)
        losses.append(hook.losses)
        options |= dict(
            val_dataloader=dict(
                dataset=Noise(2),
                batch_size=1,
                sampler=dict(type='DefaultSampler', shuffle=False),
            ),
            val_cfg=dict(),
            val_evaluator=Evaluator(DumpResults(f'{tmp_path}/val.pkl')),
        )
    assert (tmp_path / 'val.pkl').exists()
    assert losses[0] == losses[1]


def two_processes(rank, folder):
    options = dict(
        world_size=2,
        launcher='pytorch',
        cfg=dict(model_wrapper_cfg=dict(device_ids=None)),
    )
    os.chdir(folder)
    expected = toy_losses(folder / 'whole', **options)
    before = toy_losses(folder / 'run', stop_at=NUM_BATCHES + 2, **options)
    after = toy_losses(folder / 'run', resume=True, **options)
    return expected, before, after


def test_each_of_two_processes_goes_on(tmp_path):
    ranks = run_processes(two_processes, tmp_path)
    for expected, before, after in ranks:
        assert after == {number: expected[number] for number in after}
        assert {**before, **after} == expected
    assert ranks[0][0] != ranks[1][0]


def test_another_number_of_processes_starts_its_own_numbers(tmp_path):
    hook = RandomStateHook()
    runner = build_runner(tmp_path, [hook], default_hooks=dict(checkpoint=None))
    hook.after_load_checkpoint(runner, dict(random_states=[{}, {}]))
    train_toy(runner)

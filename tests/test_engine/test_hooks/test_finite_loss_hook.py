# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
import os

import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmwsmots.engine import FiniteLossHook
from tests.processes import run_processes
from tests.toy_run import build_runner
from tests.toy_run import train as train_toy


class Numbers(Dataset):
    """One number a sample, with the name of a frame."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        sample = TrackDataSample()
        frame = DetDataSample(metainfo=dict(img_path=f'clip/{index:06d}.png'))
        sample.video_data_samples = [frame]
        return dict(inputs=torch.tensor(self.values[index]), data_samples=sample)


class Model(BaseModel):
    """The loss is w x, so a step of SGD takes lr x from w."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def forward(self, inputs, data_samples, mode='loss'):
        return dict(loss=self.weight * inputs.sum())


def train(values, work_dir, weights):
    runner = Runner(
        Model(),
        str(work_dir),
        default_scope='mmdet',  # the last runner's scope outlives it
        train_dataloader=dict(
            dataset=Numbers(values),
            batch_size=1,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='pseudo_collate'),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0)),
        custom_hooks=[FiniteLossHook()],
        default_hooks=dict(checkpoint=None),
        experiment_name=f'{work_dir.name}{len(values)}',
    )
    runner.model.data_preprocessor.forward = lambda data, training: dict(
        inputs=torch.stack(data['inputs']), data_samples=data['data_samples']
    )
    try:
        runner.train()
    finally:
        runner.logger.handlers.clear()
        weights.append(runner.model.weight.item())


@pytest.mark.parametrize('bad', [math.nan, math.inf])
def test_stops_before_the_weights_change(tmp_path, bad):
    weights = []
    with pytest.raises(FloatingPointError, match=r'iteration 3: .*clip/000002\.png$'):
        train([1.0, 2.0, bad, 4.0], tmp_path, weights)
    assert weights == [-3]


class SpoilHook(Hook):
    """One process sees a NaN in its third batch."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.rank == 0 and runner.iter == 2:
            data_batch['inputs'][0].fill_(math.nan)


def train_in_two_processes(rank, folder):
    os.chdir(folder)
    runner = build_runner(
        folder / 'run',
        [SpoilHook(), FiniteLossHook()],
        world_size=2,
        launcher='pytorch',
        cfg=dict(model_wrapper_cfg=dict(device_ids=None)),
        default_hooks=dict(checkpoint=None),
    )
    with pytest.raises(FloatingPointError, match=r'iteration 3: .* or another'):
        train_toy(runner)
    assert runner.iter == 2
    return float(runner.model.module.weight)


def test_processes_stop_together(tmp_path):
    first, second = run_processes(train_in_two_processes, tmp_path)
    assert first == second and math.isfinite(first)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The smallest training."""

import random

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmwsmots.utils import weights_only

NUM_BATCHES = 4  # of an epoch, in each process


class Noise(Dataset):
    """Random numbers."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return dict(inputs=torch.rand(1))


class Model(BaseModel):
    """One weight."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, inputs, mode='loss'):
        return dict(loss=(self.weight * torch.stack(inputs)).square().mean())


class LossesHook(Hook):
    """Keeps the losses, by iteration."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.losses = {}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses[runner.iter] = float(outputs['loss'])


def build_runner(work_dir, hooks, **kw):
    """A runner of 4 epochs."""
    options = dict(
        model=Model(),
        work_dir=str(work_dir),
        default_scope='mmdet',  # the last runner's scope outlives it
        train_dataloader=dict(
            dataset=Noise(2 * NUM_BATCHES * kw.pop('world_size', 1)),
            batch_size=2,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='pseudo_collate'),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=4),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        custom_hooks=hooks,
        randomness=dict(seed=3),
        experiment_name=f'{work_dir.parent.name}_{work_dir.name}_{random.random()}',
        log_level='ERROR',
    )
    return Runner(**{**options, **kw})


def train(runner):
    """Train to the end, or to where a hook stops it."""
    try:
        with weights_only():
            runner.train()
    finally:
        runner.logger.handlers.clear()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The smallest training whose losses depend on every random generator."""

import random

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmwsmots.utils import weights_only

NUM_BATCHES = 4  # of an epoch, in each process


def draw(_=None):
    """One number that depends on all three generators."""
    return random.random() + np.random.rand() + torch.rand(()).item()


class Noise(Dataset):
    """Each sample is drawn by the pipeline, as augmentation is."""

    def __init__(self, length):
        self.length = length
        self.pipeline = draw

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return dict(inputs=torch.tensor([index + self.pipeline(index)]))


class Model(BaseModel):
    """Draws in the main process too, as RoI samplers do."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, inputs, mode='loss'):
        if mode == 'predict':
            return [dict(number=draw())]
        return dict(loss=(self.weight * torch.stack(inputs) - draw()).square().mean())


class LossesHook(Hook):
    """Keeps the losses, and ends the run in the middle of an iteration."""

    priority = 'VERY_LOW'

    def __init__(self, stop_at=None):
        self.losses = {}
        self.stop_at = stop_at

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.stop_at:
            raise InterruptedError

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses[runner.iter] = float(outputs['loss'])


def build_runner(work_dir, hooks, by_epoch=True, num_workers=0, persistent=False, **kw):
    """A runner of 4 epochs, or of as many iterations."""
    options = dict(
        model=Model(),
        work_dir=str(work_dir),
        default_scope='mmdet',  # the last runner's scope outlives it
        train_dataloader=dict(
            dataset=Noise(2 * NUM_BATCHES * kw.pop('world_size', 1)),
            batch_size=2,
            num_workers=num_workers,
            persistent_workers=persistent,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='pseudo_collate'),
        ),
        train_cfg=dict(by_epoch=by_epoch),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        custom_hooks=hooks,
        randomness=dict(seed=3),
        experiment_name=f'{work_dir.parent.name}_{work_dir.name}_{random.random()}',
        log_level='ERROR',
    )
    if by_epoch:
        options['train_cfg']['max_epochs'] = 4
    else:
        options['train_cfg']['max_iters'] = 4 * NUM_BATCHES
    return Runner(**{**options, **kw})


def train(runner):
    """Train to the end, or to where a hook interrupts it."""
    try:
        with weights_only():
            runner.train()
    except InterruptedError:
        pass
    finally:
        runner.logger.handlers.clear()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import resource
from pathlib import Path

import pytest
from mmengine.hooks import Hook

from tests.toy_run import NUM_BATCHES, LossesHook, build_runner, train


class FullDiskHook(Hook):
    """No file may grow beyond 2000 bytes from the end of the third epoch on."""

    def after_train_epoch(self, runner):
        if runner.epoch == 2:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))


@pytest.fixture(autouse=True)
def disk_restored():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def run(work_dir, *hooks, resume=False):
    losses = LossesHook()
    checkpoint = dict(type='CheckpointHook', interval=1, max_keep_ckpts=3)
    train(
        build_runner(
            work_dir,
            [losses, *hooks],
            default_hooks=dict(checkpoint=checkpoint),
            resume=resume,
        )
    )
    return losses.losses


def test_a_full_disk_leaves_a_training_that_can_be_resumed(tmp_path):
    work_dir = tmp_path / 'run'
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(OSError, match='File too large'):
        run(work_dir, FullDiskHook())
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (work_dir / 'epoch_2.pth').stat().st_size > 2000
    # Written after the checkpoint that it names.
    assert Path((work_dir / 'last_checkpoint').read_text()).name == 'epoch_2.pth'
    losses = run(work_dir, resume=True)
    assert list(losses) == list(range(2 * NUM_BATCHES, 4 * NUM_BATCHES))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook

from mmwsmots.engine import RandomStateHook, SafeCheckpointHook
from mmwsmots.utils.replacing_backend import ReplacingBackend
from tests.toy_run import NUM_BATCHES, LossesHook, build_runner, train


@contextmanager
def disk_restored():
    """Take back what the block did to the disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill_disk(num_bytes):
    """No file may grow beyond some bytes, as on a full disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))


class FullDiskHook(Hook):
    """The disk is full from the end of the third epoch on."""

    def after_train_epoch(self, runner):
        if runner.epoch == 2:
            fill_disk(8000)


def run(work_dir, *hooks, resume=False, checkpoint=SafeCheckpointHook, **options):
    losses = LossesHook()
    options = dict(dict(interval=1, max_keep_ckpts=1), **options)
    runner = build_runner(
        work_dir,
        [RandomStateHook(), losses, *hooks],
        default_hooks=dict(checkpoint=dict(type=checkpoint.__name__, **options)),
        resume=resume,
    )
    with disk_restored():
        train(runner)
    return losses.losses


def names(folder):
    """Checkpoints in a folder, and anything left over from writing them."""
    found = [path.name for path in folder.iterdir() if path.is_file()]
    return sorted(name for name in found if '.pth' in name or '.part' in name)


def test_a_full_disk_leaves_a_training_that_can_be_resumed(tmp_path):
    expected = run(tmp_path / 'whole')
    work_dir = tmp_path / 'run'
    with pytest.raises(OSError, match=r"File too large: '.*/run/epoch_3\.pth'$"):
        run(work_dir, FullDiskHook())
    # Even though only one checkpoint is kept.
    assert names(work_dir) == ['epoch_2.pth']
    assert (work_dir / 'epoch_2.pth').stat().st_size > 8000
    last = (work_dir / 'last_checkpoint').read_text()
    assert Path(last) == work_dir / 'epoch_2.pth'
    losses = run(work_dir, resume=True)
    assert min(losses) == 2 * NUM_BATCHES
    assert losses == {number: expected[number] for number in losses}
    assert names(work_dir) == ['epoch_4.pth']


@pytest.mark.parametrize('keep', [-1, 1, 2])
def test_keeps_the_checkpoints_that_mmengine_keeps(tmp_path, keep):
    kept = []
    for hook in (SafeCheckpointHook, SafeCheckpointHook.__base__):
        work_dir = tmp_path / hook.__name__
        run(work_dir, checkpoint=hook, max_keep_ckpts=keep)
        content = torch.load(work_dir / 'epoch_4.pth', weights_only=False)
        kept.append((names(work_dir), content['message_hub']['runtime_info']))
        last = (work_dir / 'last_checkpoint').read_text()
        assert Path(last) == work_dir / 'epoch_4.pth'
    assert kept[0][0] == kept[1][0]
    ids = [info.get('keep_ckpt_ids') for _, info in kept]
    assert ids[0] == ids[1]


def test_a_resumed_training_removes_what_the_first_part_left(tmp_path):
    class StopHook(Hook):
        def before_train_epoch(self, runner):
            if runner.epoch == 2:
                raise InterruptedError

    run(tmp_path, StopHook(), max_keep_ckpts=2)
    assert names(tmp_path) == ['epoch_1.pth', 'epoch_2.pth']
    run(tmp_path, resume=True, max_keep_ckpts=2)
    assert names(tmp_path) == ['epoch_3.pth', 'epoch_4.pth']


def test_the_backend_names_file_and_cause_and_keeps_the_earlier_file(tmp_path):
    path = tmp_path / 'a.pth'
    backend = ReplacingBackend()
    backend.put(b'old', path)
    too_large = pytest.raises(OSError, match=r"too large: '.*/a\.pth'$")
    with disk_restored(), too_large:
        fill_disk(10)
        backend.put(bytes(100), path)
    assert backend.get(path) == b'old'
    with pytest.raises(IsADirectoryError, match=r"'.*/folder'$"):
        (tmp_path / 'folder').mkdir()
        backend.put(b'new', tmp_path / 'folder')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.pth', 'folder']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import Runner, checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from mmwsmots.utils import weights_only
from tests.features import refuses_code


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


class Attribute:
    """Becomes an attribute of a history buffer when it is unpickled."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return getattr, (HistoryBuffer, self.name)


class Slope(BaseModel):
    """A line through the origin, fitted to y = 3 x."""

    def __init__(self):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.zeros(()))

    def forward(self, inputs, data_samples=None, mode='loss'):
        return dict(loss=((self.slope - 3) * torch.stack(inputs)).square().mean())


def fit(work_dir, iters, resume=False):
    """Train with mmengine's runner alone; returns the runner."""
    runner = Runner(
        Slope(),
        str(work_dir),
        train_dataloader=dict(
            dataset=[dict(inputs=torch.tensor(float(x))) for x in range(4)],
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=2,
        ),
        train_cfg=dict(by_epoch=False, max_iters=iters),
        default_scope='mmdet',
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=2)),
        experiment_name=f'{work_dir.parent.name}_{work_dir.name}_{iters}',
        resume=resume,
    )
    runner.train()
    return runner


@pytest.fixture
def hostile(tmp_path):
    path = tmp_path / 'hostile.pth'
    torch.save(dict(state_dict={}, extra=Payload(tmp_path / 'made')), path)
    return path


@refuses_code
def test_code_in_a_checkpoint_is_refused(hostile, tmp_path):
    with (
        pytest.raises(ValueError, match=r'hostile\.pth holds more than tensors'),
        weights_only(hostile),
    ):
        CheckpointLoader.load_checkpoint(str(hostile), 'cpu')
    assert not (tmp_path / 'made').exists()


@pytest.mark.skipif(
    not hasattr(checkpoint, '_safe_torch_load'),
    reason='mmengine 0.10 refuses such a file itself',
)
def test_mmengine_alone_would_run_it(hostile, tmp_path):
    """The reason for the guard; once this fails, mmengine has become safe."""
    CheckpointLoader.load_checkpoint(str(hostile), 'cpu')
    assert (tmp_path / 'made').exists()


def test_a_trusted_file_is_loaded(hostile, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    with weights_only(hostile):
        CheckpointLoader.load_checkpoint(str(hostile), 'cpu')
    assert (tmp_path / 'made').exists()


def test_what_mmengine_saves_is_loaded(tmp_path):
    path = tmp_path / 'own.pth'
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    torch.save(dict(state_dict=dict(a=torch.ones(2)), history=history), path)
    with weights_only(path):
        loaded = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert loaded['history'].mean() == 1.5
    assert loaded['state_dict']['a'].tolist() == [1, 1]


def test_the_runner_resumes_what_it_saved(tmp_path):
    """With every supported mmengine."""
    whole = fit(tmp_path / 'whole', 6)
    fit(tmp_path / 'parts', 4)
    with weights_only():
        resumed = fit(tmp_path / 'parts', 6, resume=True)
    assert resumed.iter == 6
    assert torch.equal(resumed.model.slope, whole.model.slope)
    losses = [
        runner.message_hub.get_scalar('train/loss').data[0]
        for runner in (resumed, whole)
    ]
    assert len(losses[0]) == 6
    assert np.array_equal(*losses)


def test_numpy_of_every_version_is_loaded(tmp_path):
    """NumPy 1 wrote other names of its functions into checkpoints than NumPy 2."""
    values = [np.zeros(2, code) for code in '?bBhHiIlLqQefdg']
    values += [np.float32(1.5), np.int64(7), np.bool_(True)]
    torch.save(values, tmp_path / 'new.pth')
    with (
        zipfile.ZipFile(tmp_path / 'new.pth') as new,
        zipfile.ZipFile(tmp_path / 'old.pth', 'w') as old,
    ):
        for name in new.namelist():
            data = new.read(name)
            old.writestr(name, data.replace(b'numpy._core.', b'numpy.core.'))
    for name in ('new.pth', 'old.pth'):
        with weights_only(name):
            loaded = torch.load(tmp_path / name)
        for value, expected in zip(loaded, values, strict=True):
            assert value.dtype == expected.dtype
            assert np.array_equal(value, expected)


@refuses_code
def test_no_other_attribute_is_looked_up(tmp_path):
    """From a function's attributes a pickle could reach any module."""
    torch.save([Attribute('mean')], tmp_path / 'known.pth')
    with weights_only():
        (mean,) = torch.load(tmp_path / 'known.pth')
    assert mean is HistoryBuffer.mean
    torch.save([Attribute('__init__')], tmp_path / 'other.pth')
    refused = pytest.raises(ValueError, match=r'other\.pth holds')
    with refused as raised, weights_only('other.pth'):
        torch.load(tmp_path / 'other.pth')
    assert "refused to take '__init__'" in str(raised.value.__cause__)


@refuses_code
@pytest.mark.parametrize('value', [None, '0', '1'])
def test_environment_is_restored_after_an_error(value, monkeypatch):
    name = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
    if value is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r'^a\.pth holds'), weights_only('a.pth'):
        assert os.environ[name] == '1'
        raise pickle.UnpicklingError
    assert os.environ.get(name) == value


def test_a_pytorch_that_cannot_refuse_code_says_so(hostile, tmp_path, monkeypatch):
    """Before 2.6: one sentence, and what is no checkpoint is still named."""
    monkeypatch.setattr('mmwsmots.utils.checkpoint.TYPES_CAN_BE_NAMED', False)
    with (
        pytest.warns(RuntimeWarning, match=r'hostile\.pth holds code, it runs$'),
        weights_only(hostile),
    ):
        pass
    text = tmp_path / 'text.pth'
    text.write_text('no checkpoint')
    with (
        pytest.warns(RuntimeWarning),
        pytest.raises(ValueError, match=r'text\.pth: no checkpoint of PyTorch$'),
        weights_only(text),
    ):
        torch.load(text, weights_only=False)

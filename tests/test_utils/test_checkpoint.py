# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
import pickle

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from mmwsmots.utils import weights_only


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def hostile(tmp_path):
    path = tmp_path / 'hostile.pth'
    torch.save(dict(state_dict={}, extra=Payload(tmp_path / 'made')), path)
    return path


def test_code_in_a_checkpoint_is_refused(hostile, tmp_path):
    with (
        pytest.raises(ValueError, match=r'hostile\.pth holds more than tensors'),
        weights_only(hostile),
    ):
        CheckpointLoader.load_checkpoint(str(hostile), 'cpu')
    assert not (tmp_path / 'made').exists()


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

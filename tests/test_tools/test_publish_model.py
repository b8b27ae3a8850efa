# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import hashlib
import os
import re

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import HistoryBuffer

from tests.features import refuses_code
from tests.load_script import load_script
from tests.quiet_run import run_script
from tests.small_model import small_config


@pytest.fixture(scope='module')
def model(repo):
    cfg = small_config(repo)
    model = MODELS.build(cfg.model)
    model.cfg = cfg
    return model


@pytest.fixture(scope='module')
def tool(repo):
    return load_script(repo / 'tools/misc/publish_model.py')


@pytest.fixture
def publish(tool, tmp_path, model):
    """Publishes weights of the small model as a training leaves them."""
    config = tmp_path / 'small.py'
    model.cfg.dump(config)

    def run(state_dict, *options, script=None, **others):
        checkpoint = tmp_path / 'iter_9.pth'
        meta = dict(iter=9, seed=3, cfg='a = 1', time=others.pop('time', 'now'))
        torch.save(dict(state_dict=state_dict, meta=meta, **others), checkpoint)
        arguments = [config, checkpoint, '--out', tmp_path / 'out', *options]
        if script is None:
            tool.main([str(part) for part in arguments])
        else:
            print(run_script(script, *arguments))
        return sorted((tmp_path / 'out').iterdir())

    return run


def test_only_the_weights_are_kept_and_the_name_is_the_hash(
    repo, publish, model, capsys
):
    weights = model.state_dict()
    optimizer = dict(state={0: torch.ones(99)}, param_groups=[])
    script = repo / 'tools/misc/publish_model.py'
    (path,) = publish(weights, optimizer=optimizer, script=script)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'small-{digest[:8]}.pth'
    assert digest in capsys.readouterr().out
    published = torch.load(path, weights_only=True)
    assert published['meta'] == dict(iter=9, seed=3)
    assert set(published) == {'meta', 'state_dict'}
    assert list(published['state_dict']) == list(weights)
    for name, tensor in published['state_dict'].items():
        assert torch.equal(tensor, weights[name]), name


def test_the_same_weights_give_the_same_file_and_others_another(publish, model):
    weights = model.state_dict()
    (path,) = publish(weights, message_hub=dict(loss=HistoryBuffer([1.0], [1])))
    before = path.read_bytes()
    # A slice of a larger tensor is written without the rest.
    name = list(weights)[-1]
    whole = torch.stack([weights[name], weights[name]])
    assert publish({**weights, name: whole[0]}, time='later') == [path]
    assert path.read_bytes() == before
    both = publish({**weights, name: weights[name] + 1})
    assert len(both) == 2 and path in both and path.read_bytes() == before


def test_half_precision_loads_into_the_model(publish, model):
    weights = model.state_dict()
    (path,) = publish(weights, '--half')
    published = torch.load(path, weights_only=True)['state_dict']
    for name, tensor in published.items():
        assert tensor.dtype == (
            torch.float16 if weights[name].is_floating_point() else weights[name].dtype
        )
        torch.testing.assert_close(
            tensor.to(weights[name].dtype), weights[name], rtol=1e-3, atol=1e-4
        )
    other = MODELS.build(model.cfg.model)
    other.load_state_dict(published, strict=True)
    assert {t.dtype for t in other.parameters()} == {torch.float32}


def test_values_too_large_for_half_precision_are_refused(publish, model):
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    name = next(n for n, t in weights.items() if t.is_floating_point())
    weights[name].view(-1)[0] = 1e6
    with pytest.raises(SystemExit, match=f'{name} has values too large'):
        publish(weights, '--half')


def test_another_name(publish, model):
    (path,) = publish(model.state_dict(), '--name', 'mine')
    assert re.fullmatch(r'mine-[0-9a-f]{8}\.pth', path.name)


def without_one(weights):
    return dict(list(weights.items())[1:])


def in_half_precision(weights):
    return {name: tensor.half() for name, tensor in weights.items()}


def with_nan(weights):
    name = next(iter(weights))
    return {**weights, name: torch.full_like(weights[name], torch.nan)}


def with_a_number(weights):
    return {**weights, 'extra': 1}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (without_one, r'iter_9\.pth: not the weights of .*small\.py: Missing key'),
        (in_half_precision, r'iter_9\.pth: \S+ is torch\.float16, in the model'),
        (with_nan, r'iter_9\.pth: \S+ has values that are not finite'),
        (with_a_number, r'iter_9\.pth: extra in state_dict is no tensor'),
        (lambda weights: {}, r'iter_9\.pth: .*no state_dict'),
    ],
)
def test_unfit_weights_are_refused_and_nothing_is_written(
    publish, model, tmp_path, change, message
):
    with pytest.raises(SystemExit, match=message):
        publish(change(model.state_dict()))
    assert not (tmp_path / 'out').exists()


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@refuses_code
def test_code_in_a_checkpoint_is_not_run(publish, model, tmp_path):
    with pytest.raises(SystemExit, match='holds more than tensors'):
        publish(model.state_dict(), extra=Payload(tmp_path / 'made'))
    assert not (tmp_path / 'made').exists() and not (tmp_path / 'out').exists()


def test_a_file_of_other_content_is_not_overwritten(publish, model):
    (path,) = publish(model.state_dict())
    path.write_bytes(b'something else')
    with pytest.raises(SystemExit, match='exists, with other content'):
        publish(model.state_dict())
    assert path.read_bytes() == b'something else'


def test_a_cut_off_checkpoint_is_refused(publish, tool, tmp_path, model):
    publish(model.state_dict())
    checkpoint = tmp_path / 'iter_9.pth'
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    arguments = [tmp_path / 'small.py', checkpoint, '--out', tmp_path / 'other']
    with pytest.raises(SystemExit, match=r'iter_9\.pth: not a checkpoint'):
        tool.main([str(part) for part in arguments])
    assert not (tmp_path / 'other').exists()


def test_missing_files_are_named(tool, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tool.main([str(tmp_path / 'no.py'), 'no.pth', '--out', 'out'])
    assert 'no such file' in capsys.readouterr().err

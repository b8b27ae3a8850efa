# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import time

import pytest
from mmengine.config import Config

from benchmarks import common
from benchmarks.common import PAUSED, WEIGHTS, fetch_weights, run
from tests.quiet_run import run_script


def test_a_command_that_takes_too_long_is_paused(capfd):
    with pytest.raises(SystemExit) as stopped:
        run('-c', 'import time; time.sleep(60)', deadline=time.monotonic() + 0.5)
    assert stopped.value.code == PAUSED
    assert 'the same command goes on' in capfd.readouterr().out


def test_a_command_that_fails_ends_the_run():
    run('-c', 'pass')
    with pytest.raises(SystemExit, match='failed'):
        run('-c', 'raise SystemExit(2)')


@pytest.mark.parametrize(
    'name', ['wsmots-masker_mnv2_fpn_clip', 'wsmots_mnv2_fpn_rendered']
)
def test_small_models_get_their_weights_once(name, repo, tmp_path, monkeypatch):
    """On a fresh clone the benches need nobody to have run the demo before."""
    cfg = Config.fromfile(repo / f'configs/wsmots/{name}.py')
    commands = []
    monkeypatch.setattr(common, 'ROOT', tmp_path)
    monkeypatch.setattr(common, 'run', lambda *command: commands.append(command))
    fetch_weights(cfg)
    assert commands == [('tools/model_converters/mobilenetv2_to_mmdet.py', WEIGHTS)]
    (tmp_path / WEIGHTS).parent.mkdir(parents=True)
    (tmp_path / WEIGHTS).touch()
    fetch_weights(cfg)
    assert len(commands) == 1


@pytest.mark.parametrize(
    'model',
    [
        dict(detector=dict(backbone=dict(init_cfg=None))),
        dict(detector=dict(backbone=dict(init_cfg=dict(checkpoint='torchvision://x')))),
        dict(backbone=dict(init_cfg=dict(checkpoint='torchvision://x'))),
        {},
    ],
)
def test_other_models_need_none(model, tmp_path, monkeypatch):
    """What is no model of ours at all is left for the training to refuse."""
    monkeypatch.setattr(common, 'ROOT', tmp_path)
    monkeypatch.setattr(common, 'run', lambda *command: pytest.fail(str(command)))
    fetch_weights(Config(dict(model=model)))
    fetch_weights(Config({}))


def test_a_benchmark_is_as_quiet_as_the_tools(repo):
    """It imports mmdet's data sets itself."""
    run_script(repo / 'benchmarks/detections.py', '--help')

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What importing the package does, each time in a fresh interpreter."""

import subprocess
import sys

import pytest

from mmwsmots.utils import versions


def run(code):
    """Lines that the code prints in a new interpreter."""
    command = [sys.executable, '-W', 'ignore', '-c', code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_importing_changes_nothing_and_loads_little():
    lines = run("""
import sys
import mmengine
import torch
config = dict(vars(mmengine.Config))
safe_globals = getattr(torch.serialization, 'get_safe_globals', list)  # new in 2.5
safe = safe_globals()
import mmwsmots, mmwsmots.evaluation
heavy = {'trackeval', 'matplotlib', 'mmdet.models', 'mmdet.datasets'}
print(sorted(heavy & set(sys.modules)))
print(dict(vars(mmengine.Config)) == config)
print(safe_globals() == safe)
""")
    assert lines[-3:] == ['[]', 'True', 'True']


@pytest.mark.parametrize('before', ['', "MODELS.get('ResNet')"])
def test_every_registry_knows_the_components(before):
    """Also where mmdet's registries were used before the import."""
    lines = run(f"""
from mmdet.registry import MODELS
{before}
import mmwsmots
from mmdet import registry
names = dict(
    MODELS='MOTSNet', TASK_UTILS='MaskRefiner', DATASETS='KITTIMOTSDataset',
    DATA_SAMPLERS='ClipSampler', TRANSFORMS='ClipFrameSample', METRICS='MOTSMetric',
    HOOKS='FiniteLossHook', VISUALIZERS='MOTSVisualizer')
for kind, name in names.items():
    assert getattr(registry, kind).get(name).__module__.startswith('mmwsmots.')
print(sorted(mmwsmots.registry.LOCATIONS) == sorted(names))
""")
    assert lines[-1] == 'True'


def test_an_inherited_config_builds(tmp_path):
    path = tmp_path / 'own.py'
    path.write_text(
        "_base_ = 'mmwsmots::wsmots/wsmots_mnv2_fpn_rendered.py'\n"
        'model = dict(detector=dict(backbone=dict(init_cfg=None)))\n'
    )
    lines = run(f"""
import mmwsmots
from mmengine.config import Config
from mmengine.registry import MODELS
print(type(MODELS.build(Config.fromfile({str(path)!r}).model)).__name__)
""")
    assert lines[-1] == 'MOTSNet'


@pytest.mark.parametrize('found', ['2.28.0', '4.0.0'])
def test_other_versions_are_named(monkeypatch, found):
    monkeypatch.setattr(versions.mmdet, '__version__', found)
    with pytest.raises(
        ImportError,
        match=rf'^mmdet=={found} is used but incompatible with mmwsmots, please '
        r'install mmdet>=3\.0\.0rc5,<4\.0\.0\.$',
    ):
        versions.check_versions()

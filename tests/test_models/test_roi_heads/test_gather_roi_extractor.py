# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmcv.ops import roi_align
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor

from mmwsmots.models.roi_heads import GatherRoIExtractor
from mmwsmots.models.roi_heads.gather_roi_extractor import GatherRoIAlign


def random_rois(count):
    """RoIs inside, across and beyond the borders of an image of 80 x 48."""
    centers = torch.rand(count, 2) * torch.tensor([100.0, 70.0]) - 10
    halves = torch.rand(count, 2) * 20
    index = torch.arange(count)[:, None] % 2
    return torch.cat([index, centers - halves, centers + halves], dim=1)


@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last]
)
@pytest.mark.parametrize('samples', [1, 2, 3])
@pytest.mark.parametrize('size', [7, (3, 5)])
def test_values_and_gradients_are_those_of_mmcv(samples, size, memory_format):
    torch.manual_seed(samples)
    feats = torch.rand(2, 5, 12, 20, requires_grad=True)
    rois = random_rois(60)
    size = size if isinstance(size, tuple) else (size, size)
    wanted = roi_align(feats, rois, size, 0.25, samples, 'avg', True)
    layer = GatherRoIAlign(size, spatial_scale=0.25, sampling_ratio=samples)
    found = layer(feats.contiguous(memory_format=memory_format), rois)
    assert found.shape == wanted.shape and found.is_contiguous()
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    weights = torch.rand_like(wanted)
    gradients = [
        torch.autograd.grad((out * weights).sum(), feats)[0] for out in (wanted, found)
    ]
    assert gradients[0].abs().max() > 0.1
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_levels_are_those_of_the_single_extractor():
    options = dict(
        roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1),
        out_channels=4,
        featmap_strides=[4, 8],
    )
    feats = [torch.rand(2, 4, 48, 80), torch.rand(2, 4, 24, 40)]
    rois = random_rois(30)
    rois[:, 1:] *= 4
    wanted = SingleRoIExtractor(**options)(feats, rois)
    torch.testing.assert_close(
        GatherRoIExtractor(**options)(feats, rois), wanted, rtol=1e-4, atol=1e-4
    )


def test_no_rois():
    feats = torch.rand(1, 3, 8, 8, requires_grad=True)
    out = GatherRoIAlign(7)(feats, feats.new_zeros(0, 5))
    assert out.shape == (0, 3, 7, 7)
    out.sum().backward()
    assert feats.grad is not None and feats.grad.abs().sum() == 0


def test_what_it_cannot_do_is_refused():
    options = dict(out_channels=4, featmap_strides=[4])
    with pytest.raises(ValueError, match='sampling_ratio >= 1, got 0'):
        GatherRoIExtractor(
            dict(type='RoIAlign', output_size=7, sampling_ratio=0), **options
        )
    with pytest.raises(ValueError, match="got 'RoIPool'"):
        GatherRoIExtractor(dict(type='RoIPool', output_size=7), **options)

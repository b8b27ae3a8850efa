# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from torch import nn

from mmwsmots.models.roi_heads.gradcam_bbox_head import (
    grad_cam,
    normalize_cams,
)


def test_hand_computed_case():
    # y = 3 * sum(A_0) - 1 * sum(A_1) over a 2x2 grid: alpha = (3, -1).
    activations = torch.tensor(
        [[[[1.0, 0.0], [2.0, 1.0]], [[0.0, 4.0], [1.0, 0.0]]]], requires_grad=True
    )
    weight = torch.tensor([3.0, -1.0]).view(1, 2, 1, 1)
    scores = (weight * activations).sum((2, 3)).sum(1, keepdim=True)
    labels = torch.zeros(1, dtype=torch.long)

    absolute = grad_cam(activations, scores, labels, 'abs')
    assert absolute.tolist() == [[[3.0, 4.0], [7.0, 3.0]]]

    scores = (weight * activations).sum((2, 3)).sum(1, keepdim=True)
    original = grad_cam(activations, scores, labels, 'relu')
    assert original.tolist() == [[[3.0, 0.0], [5.0, 3.0]]]

    low, high = 3.0, 7.0
    expected = (torch.tensor([[3.0, 4.0], [7.0, 3.0]]) - low) / (high - low)
    torch.testing.assert_close(normalize_cams(absolute, 2)[0], expected)


@pytest.mark.parametrize('mode', ['abs', 'relu'])
def test_equals_autograd_box_by_box_on_the_whole_graph(mode):
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 5, 1)
    head = nn.Sequential(nn.Flatten(), nn.Linear(5 * 4 * 4, 7), nn.ReLU())
    classify = nn.Linear(7, 3)
    images = torch.randn(6, 3, 4, 4)
    labels = torch.tensor([0, 2, 1, 1, 0, 2])

    activations = conv(images).relu().detach().requires_grad_()
    maps = grad_cam(activations, classify(head(activations)), labels, mode)

    for i, label in enumerate(labels):
        full = conv(images[i : i + 1]).relu()
        score = classify(head(full))[0, label]
        (grad,) = torch.autograd.grad(score, full)
        expected = torch.zeros(4, 4)
        for k in range(5):
            alpha = sum(grad[0, k, y, x] for y in range(4) for x in range(4)) / 16
            expected += (alpha.abs() if mode == 'abs' else alpha) * full[0, k].detach()
        if mode == 'relu':
            expected = expected.clamp(min=0)
        torch.testing.assert_close(maps[i], expected, rtol=1e-5, atol=1e-6)


def test_normalised_maps_lie_in_the_unit_interval_and_constant_maps_are_zero():
    maps = torch.stack([torch.randn(14, 14) * 100, torch.full((14, 14), 3.0)])
    cams = normalize_cams(maps, 28)
    assert cams.shape == (2, 28, 28)
    assert cams.min() >= 0 and cams.max() <= 1
    assert (cams[1] == 0).all()
    assert normalize_cams(maps[:0], 28).shape == (0, 28, 28)


def test_no_box_and_wrong_mode():
    empty = torch.zeros(0, 2, 3, 3, requires_grad=True)
    labels = torch.zeros(0, dtype=torch.long)
    assert grad_cam(empty, torch.zeros(0, 2), labels).shape == (0, 3, 3)
    with pytest.raises(ValueError, match='mode'):
        grad_cam(empty, torch.zeros(0, 2), labels, 'cam')

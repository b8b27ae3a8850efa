# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch

from mmwsmots.models.losses import CRFLoss

SIGMA_RGB, SIGMA_XY = 20.0, 4.0


def kernel(image):
    """Dense W of one image (3, H, W) in float64."""
    _, height, width = image.shape
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    xy = torch.stack([xs, ys]).flatten(1).T.double()
    rgb = image.flatten(1).T.double()
    color = torch.cdist(rgb, rgb).square() / (2 * SIGMA_RGB**2)
    space = torch.cdist(xy, xy).square() / (2 * SIGMA_XY**2)
    return torch.exp(-color - space)


def energy(probs, images):
    total = 0.0
    for s, image in zip(probs.flatten(1), images):
        w = kernel(image)
        for k in (s, 1 - s):
            total = total + k @ w @ (1 - k)
    return total / len(probs)


def case(dtype=torch.float64):
    torch.manual_seed(0)
    probs = torch.rand(2, 6, 7, dtype=dtype)
    images = torch.rand(2, 3, 6, 7, dtype=dtype) * 255
    images[:, :, :, :4] = 60  # a flat part, so that W is not the identity
    return probs, images


def test_value_and_gradient_against_finite_differences():
    probs, images = case()
    loss = CRFLoss(SIGMA_RGB, SIGMA_XY, loss_weight=1.0)
    probs.requires_grad_()
    value = loss(probs, images)
    torch.testing.assert_close(value, energy(probs.detach(), images))
    value.backward()

    eps = 1e-6
    for n, i, j in [(0, 0, 0), (0, 3, 5), (1, 5, 6), (1, 2, 1)]:
        shift = torch.zeros_like(probs)
        shift[n, i, j] = eps
        with torch.no_grad():
            high, low = energy(probs + shift, images), energy(probs - shift, images)
        numeric = (high - low) / (2 * eps)
        assert abs(numeric - probs.grad[n, i, j]) < 1e-6 * max(1, abs(numeric))


def test_weight_and_single_precision():
    probs, images = case()
    exact = energy(probs, images)
    loss = CRFLoss(SIGMA_RGB, SIGMA_XY, loss_weight=2e-7)
    value = loss(probs.float(), images.float())
    torch.testing.assert_close(value.double(), 2e-7 * exact, rtol=1e-4, atol=0)
    half = loss(probs.half(), images.half())
    assert half.dtype == torch.float32


def test_uniform_masks_cost_nothing_and_undecided_ones_most():
    _, images = case()
    loss = CRFLoss(SIGMA_RGB, SIGMA_XY, loss_weight=1.0)
    flat = torch.ones(2, 6, 7, dtype=torch.float64)
    assert abs(loss(flat, images)) < 1e-9 and abs(loss(0 * flat, images)) < 1e-9
    undecided = loss(0.5 * flat, images)
    expected = sum(kernel(image).sum() for image in images) / 2 / 2
    torch.testing.assert_close(undecided, expected)


def test_no_proposal_and_sizes_that_differ():
    loss = CRFLoss()
    empty = torch.zeros(0, 8, 8, requires_grad=True)
    loss(empty, torch.zeros(0, 3, 8, 8)).backward()
    assert empty.grad is not None
    with pytest.raises(ValueError, match='agree'):
        loss(torch.zeros(1, 8, 8), torch.zeros(1, 3, 4, 8))


def test_second_derivative_is_refused():
    """Only the gradient comes with the one filtering."""
    probs = torch.rand(1, 6, 7, requires_grad=True)
    loss = CRFLoss(loss_weight=1.0)(probs, torch.rand(1, 3, 6, 7) * 255).square()
    (grad,) = torch.autograd.grad(loss, probs, create_graph=True)
    with pytest.raises(RuntimeError, match='once_differentiable'):
        grad.sum().backward()

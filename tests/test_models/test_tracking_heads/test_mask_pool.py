# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch

from mmwsmots.models.tracking_heads.hard_triplet_embed_head import mask_pool


def pool_by_loop(features, masks):
    out = torch.zeros(features.shape[:2], dtype=torch.float64)
    for n, channels in enumerate(features.double()):
        for c, channel in enumerate(channels):
            total = weight = 0.0
            for i in range(channel.shape[0]):
                for j in range(channel.shape[1]):
                    total += float(masks[n, i, j]) * float(channel[i, j])
                    weight += float(masks[n, i, j])
            out[n, c] = total / weight
    return out


def test_weighted_mean_by_loop():
    torch.manual_seed(0)
    features, masks = torch.randn(3, 2, 4, 5), torch.rand(3, 4, 5)
    expected = pool_by_loop(features, masks)
    torch.testing.assert_close(mask_pool(features, masks).double(), expected)


def test_gradients_into_features_and_masks_by_finite_differences():
    torch.manual_seed(0)
    features = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    for size in ((4, 4), (8, 8), (3, 2)):  # same grid, shrunk, enlarged
        masks = torch.rand(2, *size, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(mask_pool, (features, masks))
    grads = torch.autograd.grad(mask_pool(features, masks).sum(), (features, masks))
    assert all(grad.abs().sum() > 0 for grad in grads)


def test_shrinks_by_area():
    torch.manual_seed(0)
    features, masks = torch.randn(2, 3, 4, 4), torch.rand(2, 12, 8)
    cells = torch.zeros(2, 4, 4)
    for i in range(4):
        for j in range(4):
            cells[:, i, j] = masks[:, 3 * i : 3 * i + 3, 2 * j : 2 * j + 2].mean((1, 2))
    expected = pool_by_loop(features, cells)
    torch.testing.assert_close(mask_pool(features, masks).double(), expected)


def test_enlarges_bilinearly_without_shifting():
    # A ramp stays a ramp inside, so left and right halves weigh 1 : 3.
    masks = torch.tensor([[[0.25, 0.75]]])
    features = torch.zeros(1, 1, 2, 4)
    features[..., 2:] = 1
    assert mask_pool(features, masks).item() == pytest.approx(
        (0.625 + 0.75) / (0.25 + 0.375 + 0.625 + 0.75)
    )


def test_constant_features_survive_any_mask():
    torch.manual_seed(0)
    features = torch.full((2, 3, 14, 14), 7.0)
    for masks in (torch.rand(2, 28, 28), torch.rand(2, 14, 14) * 1e-4):
        torch.testing.assert_close(mask_pool(features, masks), torch.full((2, 3), 7.0))


def test_all_zero_mask_is_finite():
    features = torch.randn(1, 3, 4, 4, requires_grad=True)
    masks = torch.zeros(1, 4, 4, requires_grad=True)
    out = mask_pool(features, masks)
    out.sum().backward()
    assert (out == 0).all()
    assert features.grad.isfinite().all() and masks.grad.isfinite().all()


def test_no_regions():
    for size in ((28, 28), (14, 14), (7, 7)):
        out = mask_pool(torch.zeros(0, 3, 14, 14), torch.zeros(0, *size))
        assert out.shape == (0, 3)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    # 4096 cells of 1 plus small detail: a half-precision sum loses the detail.
    torch.manual_seed(0)
    features = (100 + torch.randn(1, 2, 64, 64)).to(dtype)
    masks = torch.rand(1, 64, 64).to(dtype)
    expected = pool_by_loop(features, masks)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = mask_pool(features, masks)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=0)


def test_names_bad_shapes():
    with pytest.raises(ValueError, match=r'got \(2, 3, 4, 4\) and \(1, 4, 4\)'):
        mask_pool(torch.zeros(2, 3, 4, 4), torch.zeros(1, 4, 4))

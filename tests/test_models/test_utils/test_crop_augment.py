# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch

from mmwsmots.models.utils.crop_augment import blur_some, jitter_colors, jittered_rois


def test_rois_move_and_grow_within_their_bounds():
    torch.manual_seed(0)
    boxes = torch.tensor([[10.0, 20.0, 30.0, 60.0]]).expand(500, 4)
    rois = jittered_rois(boxes, 1.6, 0.2)
    sides = (rois[:, 2:] - rois[:, :2]) / torch.tensor([20.0, 40.0]) / 1.6
    # One scale for both sides, of a logarithm of up to 0.2.
    torch.testing.assert_close(sides[:, 0], sides[:, 1], atol=1e-4, rtol=0)
    assert sides.log().abs().max() <= 0.2 + 1e-5
    assert sides.log().min() < -0.18 < 0.18 < sides.log().max()
    shifts = (rois[:, :2] + rois[:, 2:]) / 2 - torch.tensor([20.0, 40.0])
    shares = shifts / torch.tensor([20.0, 40.0])
    assert shares.abs().max() <= 0.2 + 1e-5
    assert shares.max() > 0.18
    exact = jittered_rois(boxes[:1], 1.5, 0.0)
    torch.testing.assert_close(exact, torch.tensor([[5.0, 10.0, 35.0, 70.0]]))


def test_colours_stay_in_range_and_some_are_grey():
    torch.manual_seed(0)
    crops = torch.rand(400, 3, 4, 4) * 255
    new = jitter_colors(crops)
    assert new.shape == crops.shape
    assert new.min() >= 0
    assert new.max() <= 255
    grey = (new.amax(dim=1) - new.amin(dim=1)).amax(dim=(1, 2)) < 1e-3
    assert 0.05 < grey.float().mean() < 0.15


def test_blurred_crops_keep_their_mean():
    torch.manual_seed(0)
    crops = torch.rand(200, 3, 32, 32)
    new = blur_some(crops, share=0.5, low=0.5)
    blurred = (new != crops).flatten(1).any(dim=1)
    assert 70 < blurred.sum() < 130
    torch.testing.assert_close(
        new.mean(dim=(2, 3)), crops.mean(dim=(2, 3)), atol=0.02, rtol=0
    )
    assert (new[blurred].var(dim=(2, 3)) < crops[blurred].var(dim=(2, 3))).all()

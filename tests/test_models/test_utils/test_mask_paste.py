# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import torch

from mmwsmots.models.utils.mask_paste import Window, compete, paste_logits


def test_a_plane_is_pasted_exactly():
    """Bilinear interpolation keeps a linear function of the position."""
    rois = torch.tensor([[-8.0, -4.0, 24.0, 28.0]])
    steps = (torch.arange(16) + 0.5) * 2  # cells of two pixels
    logits = (steps[None, :] - 8) + 10 * (steps[:, None] - 4)
    box = torch.tensor([[2.2, 3.0, 17.8, 20.0]])
    ((x1, y1, pasted),) = paste_logits(logits[None], rois, box, 24, 18)
    assert (x1, y1, *pasted.shape) == (2, 3, 17, 16)
    xs, ys = torch.arange(2, 18) + 0.5, torch.arange(3, 20) + 0.5
    torch.testing.assert_close(pasted, xs[None, :] + 10 * ys[:, None])


def test_a_box_outside_of_the_image_has_no_pixel():
    rois = torch.tensor([[90.0, 90, 110, 110]])
    ((_, _, pasted),) = paste_logits(torch.ones(1, 4, 4), rois, rois, 50, 60)
    assert pasted.numel() == 0


def test_the_highest_logit_wins_a_pixel():
    windows = [
        Window(0, 0, torch.tensor([[1.0, 2.0, -1.0]])),
        Window(1, 0, torch.tensor([[2.0, 3.0, 5.0]])),
    ]
    masks = compete(windows, (2, 5))
    # A tie goes to the first; what is below 0 belongs to nobody.
    assert masks[0].nonzero().tolist() == [[0, 0], [0, 1]]
    assert masks[1].nonzero().tolist() == [[0, 2], [0, 3]]
    assert compete([], (2, 5)).shape == (0, 2, 5)


def test_a_small_box_in_a_large_one_is_in_front():
    """Equal where the logits differ by twice the logarithm of the areas' ratio."""
    even = 2 * math.log(16 / 4)
    for excess, owner in ((-0.01, 1), (0.01, 0)):
        windows = [
            Window(0, 0, torch.full((4, 4), 1 + even + excess)),
            Window(1, 1, torch.ones(2, 2)),
        ]
        masks = compete(windows, (4, 4))
        assert masks[:, 1, 1].tolist() == [owner == 0, owner == 1]
        assert masks.sum() == 16

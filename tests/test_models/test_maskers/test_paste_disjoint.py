# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import torch

from mmwsmots.models.maskers.box_masker import paste_disjoint
from mmwsmots.models.utils.roi_grid import pixel_edges, sample_window


def test_a_plane_is_pasted_exactly():
    """Bilinear interpolation keeps a linear function of the position."""
    rois = torch.tensor([[-8.0, -4.0, 24.0, 28.0]])
    steps = (torch.arange(16) + 0.5) * 2  # cells of two pixels
    logits = (steps[None, :] - 8) + 10 * (steps[:, None] - 4)
    box = torch.tensor([[2.2, 3.0, 17.8, 20.0]])
    (edges,) = pixel_edges(box, 24, 18)
    assert edges == [2, 3, 18, 20]
    pasted = sample_window(logits, rois[0], edges, 'border')
    xs, ys = torch.arange(2, 18) + 0.5, torch.arange(3, 20) + 0.5
    expected = xs[None, :] + 10 * ys[:, None]
    torch.testing.assert_close(pasted, expected)
    for threshold in (60.2, 100.3):
        (mask,) = paste_disjoint(logits[None] - threshold, rois, box, (24, 18))
        assert torch.equal(mask[3:20, 2:], expected > threshold)
        assert mask.sum() == (expected > threshold).sum()


def test_a_box_outside_of_the_image_has_no_pixel():
    rois = torch.tensor([[90.0, 90, 110, 110]])
    masks = paste_disjoint(torch.ones(1, 4, 4), rois, rois, (50, 60))
    assert masks.shape == (1, 50, 60) and not masks.any()


def test_the_highest_logit_wins_a_pixel():
    boxes = torch.tensor([[0.0, 0, 4, 1], [1, 0, 5, 1]])
    logits = torch.tensor([[[1.0, 2.0, -1.0, -1.0]], [[2.0, 3.0, 5.0, -1.0]]])
    masks = paste_disjoint(logits, boxes, boxes, (2, 5))
    # A tie goes to the first; what is below 0 belongs to nobody.
    assert masks[0].nonzero().tolist() == [[0, 0], [0, 1]]
    assert masks[1].nonzero().tolist() == [[0, 2], [0, 3]]
    none = paste_disjoint(logits[:0], boxes[:0], boxes[:0], (2, 5))
    assert none.shape == (0, 2, 5)


def test_a_small_box_in_a_large_one_is_in_front():
    """Equal where the logits differ by twice the logarithm of the areas' ratio."""
    even = 2 * math.log(16 / 4)
    boxes = torch.tensor([[0.0, 0, 4, 4], [1, 1, 3, 3]])
    for excess, owner in ((-0.01, 1), (0.01, 0)):
        logits = torch.ones(2, 4, 4)
        logits[0] += even + excess
        masks = paste_disjoint(logits, boxes, boxes, (4, 4))
        assert masks[:, 1, 1].tolist() == [owner == 0, owner == 1]
        assert masks.sum() == 16

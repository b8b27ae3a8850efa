# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import torch

from mmwsmots.models.utils.color import EPS, color_evidence


def scene(size=32):
    """A red object, its mask too fat: it takes in half of a green gap."""
    rgb = torch.zeros(1, 3, size, size)
    rgb[:, 1] = 160.0
    truth = torch.zeros(1, size, size, dtype=torch.bool)
    truth[:, 8:24, 8:24] = True
    truth[:, 14:24, 14:18] = False  # between two legs
    rgb[:, 0][truth], rgb[:, 1][truth] = 200.0, 20.0
    logits = torch.full((1, size, size), -3.0)
    logits[:, 8:24, 8:24] = 1.0
    return rgb, truth, logits


def test_a_gap_with_the_colour_of_the_background_is_background():
    rgb, truth, logits = scene()
    assert ((logits > 0) != truth).sum() == 40
    refined = logits + color_evidence(logits, rgb)
    assert torch.equal(refined > 0, truth)


def test_two_flat_colours_have_the_ratio_of_their_shares():
    """Closed form: the histogram's smoothing is the same for both models."""
    rgb, truth, logits = scene()
    p = logits.sigmoid()
    evidence = color_evidence(logits, rgb)
    for cells in (truth, ~truth):
        fg = float((p * cells).sum() / p.sum())
        bg = float(((1 - p) * cells).sum() / (1 - p).sum())
        value = float(evidence[cells].mean())
        assert evidence[cells].std() < 1e-3
        # Smoothing and interpolation scale both by the same factor, 3/8 cubed to 1.
        low = math.log((fg * 0.375**3 + EPS) / (bg * 0.375**3 + EPS))
        high = math.log((fg + EPS) / (bg + EPS))
        assert min(low, high) - 1e-3 <= value <= max(low, high) + 1e-3


def test_outside_of_the_box_is_background_whatever_the_mask_says():
    rgb, _, logits = scene()
    boxes = torch.zeros(1, 32, 32, dtype=torch.bool)
    boxes[:, :, :16] = True
    wide = torch.full_like(logits, 3.0)
    inside = wide.masked_fill(~boxes, -30.0)
    torch.testing.assert_close(
        color_evidence(wide, rgb, boxes), color_evidence(inside, rgb)
    )


def test_one_colour_says_nothing():
    rgb = torch.full((2, 3, 16, 16), 77.0)
    logits = torch.randn(2, 16, 16)
    torch.testing.assert_close(
        color_evidence(logits, rgb), torch.zeros(2, 16, 16), atol=1e-4, rtol=0
    )
    assert color_evidence(logits[:0], rgb[:0]).shape == (0, 16, 16)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import numpy as np
import pytest
import torch

from mmwsmots.models.task_modules.mask_refiner import mean_field, refine_logits


def dense_mean_field(logits, rgb, box, known, sigma_rgb, sigma_xy, weight, num_iters):
    """The update cell by cell, with the affinities in a dense matrix."""
    height, width = logits.shape
    cells = [(y, x) for y in range(height) for x in range(width)]
    affinity = np.zeros((len(cells), len(cells)))
    for i, (y, x) in enumerate(cells):
        for j, (v, u) in enumerate(cells):
            color = ((rgb[:, y, x] - rgb[:, v, u]) ** 2).sum()
            space = (y - v) ** 2 + (x - u) ** 2
            affinity[i, j] = math.exp(
                -color / (2 * sigma_rgb**2) - space / (2 * sigma_xy**2)
            )
    start = np.array([logits[cell] for cell in cells])
    refined = start.copy()
    for _ in range(num_iters):
        votes = [2 / (1 + math.exp(-value)) - 1 for value in refined]
        votes = [v if box[cell] else -1.0 for v, cell in zip(votes, cells)]
        for i in range(len(cells)):
            num = total = 0.0
            for j, cell in enumerate(cells):
                if known[cell]:
                    total += affinity[i, j]
                    if i != j:
                        num += affinity[i, j] * votes[j]
            refined[i] = start[i] + weight * num / total
    return refined.reshape(height, width)


@pytest.mark.parametrize('num_iters', [1, 3])
def test_equals_a_loop_over_pairs(num_iters):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 6))
    rgb = rng.integers(0, 40, (2, 3, 5, 6)).astype(float)
    box = np.ones((2, 5, 6), bool)
    box[:, 0] = box[:, :, 5] = False
    known = np.ones((2, 5, 6), bool)
    known[:, :2, 0] = False
    options = dict(sigma_rgb=20.0, sigma_xy=2.0, weight=3.0, num_iters=num_iters)
    refined = mean_field(*map(torch.tensor, (logits, rgb, box, known)), **options)
    for n in range(2):
        expected = dense_mean_field(logits[n], rgb[n], box[n], known[n], **options)
        np.testing.assert_allclose(refined[n].numpy(), expected, atol=1e-6)


def test_an_edge_of_the_image_stops_the_mask():
    # A weak, shifted guess; the image has a bright square, the box is larger.
    rgb = torch.full((1, 3, 24, 24), 60.0)
    rgb[..., 6:16, 6:16] = 200
    box = torch.zeros(1, 24, 24, dtype=torch.bool)
    box[:, 4:20, 4:20] = True
    guess = torch.full((1, 24, 24), -0.5)
    guess[:, 8:18, 8:18] = 0.5
    refined = mean_field(guess, rgb, box, sigma_xy=10.0)
    assert torch.equal(refined[0] > 0, rgb[0, 0] > 100)


def test_a_flat_image_without_a_box_keeps_a_sure_majority():
    logits = torch.full((1, 8, 8), 2.0)
    logits[0, 3, 3] = -1.0
    assert (mean_field(logits, torch.full((1, 3, 8, 8), 9.0)) > 0).all()
    assert torch.equal(mean_field(logits, torch.zeros(1, 3, 8, 8), num_iters=0), logits)


def test_no_mask():
    assert mean_field(torch.zeros(0, 4, 4), torch.zeros(0, 3, 4, 4)).shape == (0, 4, 4)
    rois, boxes, image = torch.zeros(0, 5), torch.zeros(0, 4), torch.zeros(1, 3, 9, 9)
    assert refine_logits(torch.zeros(0, 4, 4), rois, boxes, image, 8).shape == (0, 8, 8)


def test_rois_see_their_own_image_and_box():
    # The same guess on two images: the object fills the left or the right half.
    images = torch.full((2, 3, 40, 60), 50.0)
    images[0, :, 10:30, 10:20] = 220
    images[1, :, 10:30, 20:30] = 220
    rois = torch.tensor([[0.0, 0, 0, 40, 40], [1.0, 0, 0, 40, 40]])
    boxes = torch.tensor([[10.0, 10, 30, 30]] * 2)
    guess = torch.full((2, 10, 10), -0.2)
    # Light where the object is, darkness outside the box: enough to tell.
    guess[0, 3:7, 3:5] = guess[1, 3:7, 5:7] = 0.2
    refined = refine_logits(guess, rois, boxes, images, 20, sigma_xy=8.0) > 0
    expected = torch.zeros(2, 20, 20, dtype=torch.bool)
    expected[0, 5:15, 5:10] = expected[1, 5:15, 10:15] = True
    assert torch.equal(refined, expected)
    # Cells of a RoI outside the image have no colour and no say.
    roi = torch.tensor([[0.0, -20, 0, 20, 40]])
    black = torch.zeros(1, 3, 40, 60)
    inside = refine_logits(
        torch.full((1, 10, 10), 1.0), roi, torch.tensor([[0.0, 0, 20, 40]]), black, 20
    )
    assert (inside[0, :, 10:] > 0).all()

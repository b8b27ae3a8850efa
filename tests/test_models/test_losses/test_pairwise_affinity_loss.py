# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import cv2
import numpy as np
import pytest
import torch

from mmwsmots.models.losses import PairwiseAffinityLoss


def loop_loss(logits, rgb, box, dilation, thr):
    """BoxInst's equation 7 over ordered pairs, colours converted by OpenCV."""
    height, width = logits.shape
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    prob = 1 / (1 + np.exp(-logits))
    total, count = 0.0, 0
    for y in range(height):
        for x in range(width):
            for dy in (-dilation, 0, dilation):
                for dx in (-dilation, 0, dilation):
                    v, u = y + dy, x + dx
                    if (dy, dx) == (0, 0) or not (0 <= v < height and 0 <= u < width):
                        continue
                    near = math.exp(-np.linalg.norm(lab[y, x] - lab[v, u]) / 2)
                    if near < thr or not (box[y, x] or box[v, u]):
                        continue
                    p, q = prob[y, x], prob[v, u]
                    total -= math.log(p * q + (1 - p) * (1 - q))
                    count += 1
    return total / count


@pytest.mark.parametrize('dilation', [1, 2])
def test_equals_a_loop_over_pairs(dilation):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(7, 8)) * 2
    rgb = rng.choice([40, 44, 200], size=(7, 8, 1)).repeat(3, axis=2)
    box = np.zeros((7, 8), bool)
    box[2:5, 1:6] = True
    loss = PairwiseAffinityLoss(dilation=dilation, color_thr=0.3)
    value = loss(
        torch.tensor(logits)[None],
        torch.tensor(rgb).permute(2, 0, 1)[None],
        torch.tensor(box)[None],
    )
    expected = loop_loss(logits, rgb, box, dilation, 0.3)
    assert abs(value.item() - expected) < 1e-4


def test_confident_equal_neighbours_cost_nothing():
    rgb = torch.full((1, 3, 8, 8), 90.0)
    box = torch.ones(1, 8, 8, dtype=torch.bool)
    assert PairwiseAffinityLoss()(torch.full((1, 8, 8), 30.0), rgb, box) < 1e-5
    split = torch.full((1, 8, 8), 30.0)
    split[..., 4:] = -30
    assert PairwiseAffinityLoss()(split, rgb, box) > 1
    rgb[..., 4:] = 240  # an edge in the image frees the edge in the mask
    assert PairwiseAffinityLoss()(split, rgb, box) < 1e-5


def test_no_mask():
    empty = torch.zeros(0, 4, 4, requires_grad=True)
    boxes = torch.zeros(0, 4, 4, dtype=torch.bool)
    assert PairwiseAffinityLoss()(empty, torch.zeros(0, 3, 4, 4), boxes) == 0

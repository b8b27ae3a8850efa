# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import itertools

import numpy as np
import torch

from mmwsmots.models.utils.mask_confidence import mask_confidences

SIZE = (40, 60)
BOX = torch.tensor([[10.0, 8, 42, 32]])
ROI = torch.tensor([[2.0, 2, 50, 38]])


def ellipse(shrink=1.0, softness=0.02):
    """Soft mask of an ellipse in BOX, on a 112 x 112 grid of ROI."""
    steps = (torch.arange(112) + 0.5) / 112
    xs = 2 + steps * 48
    ys = 2 + steps * 36
    radius = (((xs - 26) / 16)[None] ** 2 + ((ys - 20) / 12)[:, None] ** 2).sqrt()
    return torch.sigmoid((shrink - radius) / softness)[None]


def paste(probs, threshold=0.5):
    """The mask at full size, cell by cell."""
    mask = np.zeros(SIZE, dtype=bool)
    for row in range(8, 32):
        for column in range(10, 42):
            u = int((column + 0.5 - 2) / 48 * 112)
            v = int((row + 0.5 - 2) / 36 * 112)
            mask[row, column] = probs[0, v, u] >= threshold
    return torch.from_numpy(mask)[None]


def confidence(probs, masks=None):
    masks = paste(probs) if masks is None else masks
    return mask_confidences(masks, probs, ROI, BOX)[0].item()


def test_value_by_hand():
    """The soft mask is 0.8 on the left half of its box and 0.1 on the right one."""
    probs = torch.full((1, 112, 112), 0.1)
    probs[:, :, :56] = 0.8  # ROI and BOX have the same centre, x = 26
    masks = torch.zeros((1, *SIZE), dtype=torch.bool)
    masks[0, 8:32, 10:26] = True
    half = 24 * 16
    iou = 0.8 * half / (half + 0.1 * half)
    sides = (0.8 + 0.8 + 0.8 + 0.1) / 4  # left, top, bottom; right
    assert abs(confidence(probs, masks) - (iou * sides) ** 0.5) < 5e-3


def test_crisp_is_1_and_softer_is_less():
    crisp = confidence(ellipse(softness=1e-3))
    values = [confidence(ellipse(softness=s)) for s in (0.02, 0.1, 0.3, 1.0, 3.0)]
    assert 0.97 < crisp <= 1
    assert crisp > values[0]
    assert all(a > b + 0.01 for a, b in itertools.pairwise(values))


def test_a_mask_that_stays_away_from_the_sides_is_less():
    values = [confidence(ellipse(shrink)) for shrink in (1.0, 0.9, 0.8, 0.7, 0.5)]
    assert all(a >= b for a, b in itertools.pairwise(values))
    assert values[0] > 0.95 and values[-1] < 0.2


def test_a_mask_that_is_not_what_the_soft_mask_says_is_less():
    """Eroded or filled up by later steps: every wrong pixel costs."""
    probs = ellipse()
    masks = paste(probs)
    values = [confidence(probs, masks)]
    for columns in (14, 20, 30):
        changed = masks.clone()
        changed[0, :, 10:columns] = False
        values.append(confidence(probs, changed))
    assert all(a > b + 0.01 for a, b in itertools.pairwise(values))
    filled = torch.zeros_like(masks)
    filled[0, 8:32, 10:42] = True
    assert confidence(probs, filled) < values[0] - 0.05


def test_what_others_cover_does_not_count():
    probs = ellipse()
    whole = paste(probs)[0]
    front = torch.zeros(SIZE, dtype=torch.bool)
    front[:, :30] = True
    masks = torch.stack([whole & ~front, front])
    both = mask_confidences(
        masks, probs.expand(2, -1, -1), ROI.expand(2, -1), BOX.expand(2, -1)
    )
    assert abs(both[0].item() - confidence(probs)) < 0.02
    # Not taken by anybody, the missing half costs.
    assert confidence(probs, masks[:1]) < both[0].item() - 0.1


def test_empty():
    probs = ellipse()
    assert confidence(probs, torch.zeros((1, *SIZE), dtype=torch.bool)) == 0
    none = mask_confidences(torch.zeros((0, *SIZE)).bool(), probs[:0], ROI[:0], BOX[:0])
    assert none.shape == (0,)

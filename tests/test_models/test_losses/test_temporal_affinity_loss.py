# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import numpy as np
import pytest
import torch

from mmwsmots.models.losses import TemporalAffinityLoss
from mmwsmots.models.utils.color import rgb_to_lab

HEIGHT, WIDTH = 6, 7


def loop_loss(logits, rgb, known, radius, patch, num_matches, thr):
    """The definition, cell by cell."""
    lab = rgb_to_lab(torch.tensor(rgb).permute(0, 3, 1, 2).double())
    lab = lab.permute(0, 2, 3, 1).numpy()
    probs = [1 / (1 + np.exp(-values)) for values in logits]

    def inside(y, x):
        return 0 <= y < HEIGHT and 0 <= x < WIDTH

    total, count = 0.0, 0
    half = patch // 2
    for y in range(HEIGHT):
        for x in range(WIDTH):
            candidates = []
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    if not inside(y + dy, x + dx):
                        continue
                    if not (known[0][y, x] and known[1][y + dy, x + dx]):
                        continue
                    parts = [
                        np.linalg.norm(lab[0][v, u] - lab[1][v + dy, u + dx])
                        for v in range(y - half, y + half + 1)
                        for u in range(x - half, x + half + 1)
                        if inside(v, u) and inside(v + dy, u + dx)
                    ]
                    candidates.append((np.mean(parts), y + dy, x + dx))
            for distance, v, u in sorted(candidates)[:num_matches]:
                if math.exp(-distance / 2) < thr:
                    continue
                p, q = probs[0][y, x], probs[1][v, u]
                total -= math.log(p * q + (1 - p) * (1 - q))
                count += 1
    return total / count


@pytest.mark.parametrize(
    ('radius', 'patch', 'num_matches'), [(0, 1, 1), (1, 3, 2), (2, 3, 4)]
)
def test_equals_a_loop_over_pairs(radius, patch, num_matches):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, HEIGHT, WIDTH)) * 2
    rgb = rng.integers(100, 110, (2, HEIGHT, WIDTH, 3))
    known = rng.random((2, HEIGHT, WIDTH)) < 0.8
    loss = TemporalAffinityLoss(radius, patch, num_matches, color_thr=0.2)
    value = loss(
        tuple(torch.tensor(logits)[:, None]),
        tuple(torch.tensor(rgb).permute(0, 3, 1, 2)[:, None]),
        tuple(torch.tensor(known)[:, None]),
    )
    expected = loop_loss(logits, rgb, known, radius, patch, num_matches, 0.2)
    assert value.item() == pytest.approx(expected, rel=1e-4)


def moved_square(shift):
    """Crops of a light square, and the logits of its mask."""
    rgb = torch.full((1, 3, 12, 12), 40.0)
    rgb[..., 3:9, 3 + shift : 9 + shift] = 220
    return rgb, (rgb[:, 0] > 100) * 16.0 - 8


def test_a_mask_that_follows_the_colours_costs_nothing():
    (rgb, mask), (rgb_next, mask_next) = moved_square(0), moved_square(1)
    known = torch.ones(1, 12, 12, dtype=torch.bool)
    loss = TemporalAffinityLoss(radius=1, patch_size=1, num_matches=9)
    follows = loss((mask, mask_next), (rgb, rgb_next), (known, known))
    stays = loss((mask, mask), (rgb, rgb_next), (known, known))
    assert follows < 1e-2 < 0.1 < stays
    # Without a search window the colours at the moved edge do not fit: no claim.
    still = TemporalAffinityLoss(radius=0, patch_size=1, num_matches=1)
    assert still((mask, mask_next), (rgb, rgb_next), (known, known)) < 1e-2


def test_gradient_reaches_both_frames_and_the_sure_one_leads():
    rgb = torch.full((1, 3, 4, 4), 90.0)
    known = torch.ones(1, 4, 4, dtype=torch.bool)
    sure = torch.full((1, 4, 4), 6.0, requires_grad=True)
    unsure = torch.full((1, 4, 4), 0.1, requires_grad=True)
    loss = TemporalAffinityLoss(radius=0, num_matches=1)
    loss((sure, unsure), (rgb, rgb), (known, known)).backward()
    assert (unsure.grad < 0).all()
    assert unsure.grad.abs().sum() > 10 * sure.grad.abs().sum() > 0


def test_no_object_no_match_and_bad_settings():
    loss = TemporalAffinityLoss()
    logits = torch.zeros(0, 4, 4, requires_grad=True)
    rgb, known = torch.zeros(0, 3, 4, 4), torch.zeros(0, 4, 4, dtype=torch.bool)
    loss((logits, logits), (rgb, rgb), (known, known)).backward()
    assert logits.grad is not None
    logits = torch.zeros(1, 4, 4, requires_grad=True)
    rgb, known = torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.bool)
    value = loss((logits, logits), (rgb, rgb), (known, known))
    value.backward()
    assert value == 0 and (logits.grad == 0).all()
    with pytest.raises(ValueError, match='mask_logits must have one shape'):
        loss((logits, logits[:, :3]), (rgb, rgb), (known, known))
    with pytest.raises(ValueError, match='patch_size must be odd'):
        TemporalAffinityLoss(patch_size=2)
    with pytest.raises(ValueError, match='num_matches must lie in 1'):
        TemporalAffinityLoss(radius=0, num_matches=2)

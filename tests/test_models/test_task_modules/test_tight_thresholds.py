# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch

from mmwsmots.models.task_modules.mask_refiner import tight_thresholds


def boxes(n, size=8):
    masks = torch.zeros(n, size, size, dtype=torch.bool)
    masks[:, 1:7, 2:6] = True
    return masks


def empty_share(probs, box, threshold):
    """Larger share of the box's rows or columns that no cell of the mask meets."""
    probs = probs.double()  # the threshold as a number, not rounded once more
    rows = [(row[b] >= threshold).any() for row, b in zip(probs, box) if b.any()]
    cols = [(col[b] >= threshold).any() for col, b in zip(probs.T, box.T) if b.any()]
    return max(1 - sum(rows) / len(rows), 1 - sum(cols) / len(cols))


@pytest.mark.parametrize('share', [0.0, 0.25, 0.5])
def test_the_highest_threshold_that_reaches_the_sides(share):
    torch.manual_seed(0)
    probs = torch.rand(20, 8, 8) * 0.6
    thresholds = tight_thresholds(probs, boxes(20), share, 0.5, floor=0.0)
    for prob, box, threshold in zip(probs, boxes(20), thresholds):
        assert threshold <= 0.5
        assert empty_share(prob, box, threshold) <= share + 1e-6
        if threshold < 0.5:  # any higher, and it would not reach
            assert empty_share(prob, box, threshold + 1e-4) > share


def test_a_mask_that_reaches_keeps_its_threshold():
    probs = boxes(1).float() * 0.9
    assert tight_thresholds(probs, boxes(1), 0.0, 0.5).item() == 0.5


def test_cells_outside_the_box_do_not_count():
    probs = (~boxes(1)).float()
    probs[0, 3, 3] = 0.4
    assert tight_thresholds(
        probs, boxes(1), 0.0, 0.5, floor=0.1
    ).item() == pytest.approx(0.1)


def test_a_box_off_the_grid_and_no_mask():
    off = torch.zeros(1, 8, 8, dtype=torch.bool)
    assert tight_thresholds(torch.rand(1, 8, 8), off, 0.1, 0.5).item() == 0.5
    assert tight_thresholds(torch.zeros(0, 8, 8), off[:0], 0.1).shape == (0,)

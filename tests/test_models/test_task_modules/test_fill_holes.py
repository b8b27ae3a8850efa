# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
import torch

from mmwsmots.models.task_modules.mask_refiner import fill_holes


@pytest.mark.parametrize('mask_thr', [0.5, 0.3])
def test_fill_holes(mask_thr):
    """The filled masks are those of OpenCV's outer contours."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(6, 40, 40)).astype(np.float32)
    logits = np.stack([cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in noise]) * 5
    logits[0] = -3.0  # no mask
    filled = fill_holes(torch.from_numpy(logits), mask_thr)
    cut = np.log(mask_thr / (1 - mask_thr))
    for before, after in zip(logits, filled.numpy()):
        mask = (before > cut).astype(np.uint8)
        # Cells of the background touch at their sides, so those of a mask at corners.
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        expected = cv2.drawContours(np.zeros_like(mask), contours, -1, 1, cv2.FILLED)
        np.testing.assert_array_equal(after > cut, expected > 0)
        np.testing.assert_array_equal(after[mask > 0], before[mask > 0])
    before, after = logits > cut, filled > cut
    assert any(after[n].sum() > before[n].sum() for n in range(6))


def test_fill_holes_at_the_border():
    """Background that reaches the side of the grid is no hole."""
    logits = torch.full((1, 5, 5), 2.0)
    logits[0, 2, 2:] = -2.0
    torch.testing.assert_close(fill_holes(logits), logits)
    assert fill_holes(torch.zeros(0, 4, 4)).shape == (0, 4, 4)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import torch

from mmwsmots.models.utils.color import rgb_to_lab


def test_equals_opencv():
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (16, 16, 3)).astype(np.float32)
    rgb[0, 0] = 0
    rgb[0, 1] = 255
    expected = cv2.cvtColor(rgb / 255, cv2.COLOR_RGB2Lab)
    lab = rgb_to_lab(torch.from_numpy(rgb).permute(2, 0, 1)[None])[0]
    # OpenCV interpolates in tables: it is within 0.3 of the formula.
    np.testing.assert_allclose(lab.permute(1, 2, 0).numpy(), expected, atol=0.3)

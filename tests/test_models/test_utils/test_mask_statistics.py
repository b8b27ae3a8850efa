# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch

from mmwsmots.models.utils.mask_statistics import (
    cam_rim_precision,
    foreground_ratio,
    label_shares,
)


def test_foreground_ratio_by_hand():
    boxes = torch.zeros(3, 4, 4, dtype=torch.bool)
    boxes[0, :2, :2] = True  # 4 cells, of which the mask has 1
    boxes[1, 1:, :] = True  # 12 cells, all of them; the third box is off its grid
    masks = torch.zeros(3, 4, 4, dtype=torch.bool)
    masks[0, 1:, 1:] = True
    masks[1] = masks[2] = True
    assert foreground_ratio(masks, boxes).item() == pytest.approx((1 / 4 + 1) / 2)
    soft = masks * 0.5
    assert foreground_ratio(soft, boxes).item() == pytest.approx((1 / 8 + 1 / 2) / 2)


def test_no_box_is_not_a_number():
    boxes = torch.zeros(1, 4, 4, dtype=torch.bool)
    assert foreground_ratio(torch.ones(1, 4, 4), boxes).isnan()
    assert foreground_ratio(torch.ones(0, 4, 4), boxes[:0]).isnan()
    assert all(s.isnan() for s in label_shares(torch.zeros(0, 4, 4)))
    assert cam_rim_precision(torch.zeros(0, 8, 8), 0.5).isnan()


def test_label_shares_by_hand():
    labels = torch.tensor([[[1, 0], [-1, -1]], [[0, 0], [0, -1]]], dtype=torch.int8)
    positive, void = label_shares(labels)
    assert (positive.item(), void.item()) == (1 / 8, 3 / 8)


def test_rim_precision_by_hand():
    cams = torch.zeros(2, 8, 8)
    cams[0, 1:7, 1:7] = 0.6  # the core exactly
    assert cam_rim_precision(cams[:1], 0.5).item() == 1
    cams[1, 0, :] = 0.4  # all of it on the rim
    assert cam_rim_precision(cams, 0.5).item() == 1
    assert cam_rim_precision(cams, 0.4).item() == pytest.approx(36 / 44)
    full = torch.ones(1, 28, 28)
    assert cam_rim_precision(full, 0.5).item() == pytest.approx((20 / 28) ** 2)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
import torch

from mmwsmots.models.roi_heads.gradcam_mask_head import pseudo_labels, sample_cams


def bilinear(grid, y, x):
    """Value of a cell-centred grid at (y, x) in [0, 1]^2, clamped at the border."""
    height, width = grid.shape
    y = min(max(y * height - 0.5, 0), height - 1)
    x = min(max(x * width - 0.5, 0), width - 1)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    fy, fx = y - y0, x - x0
    top = grid[y0, x0] * (1 - fx) + grid[y0, x1] * fx
    bottom = grid[y1, x0] * (1 - fx) + grid[y1, x1] * fx
    return top * (1 - fy) + bottom * fy


def inside(box, x, y):
    return box[0] <= x < box[2] and box[1] <= y < box[3]


def heat_at(cam, box, x, y):
    return bilinear(
        cam, (y - box[1]) / (box[3] - box[1]), (x - box[0]) / (box[2] - box[0])
    )


def loop_labels(cams, boxes, roi, own, size, thr, overlap):
    labels = np.full((size, size), -1)
    for i in range(size):
        for j in range(size):
            x = roi[0] + (j + 0.5) / size * (roi[2] - roi[0])
            y = roi[1] + (i + 0.5) / size * (roi[3] - roi[1])
            hits = [k for k, box in enumerate(boxes) if inside(box, x, y)]
            if overlap == 'union':
                if not hits:
                    labels[i, j] = 0
                elif any(heat_at(cams[k], boxes[k], x, y) >= thr for k in hits):
                    labels[i, j] = 1
            elif own in hits:
                if heat_at(cams[own], boxes[own], x, y) >= thr:
                    labels[i, j] = 1
            elif overlap == 'background' or not hits:
                labels[i, j] = 0
    return labels


@pytest.mark.parametrize('overlap', ['void', 'background', 'union'])
def test_equals_a_loop_over_cells(overlap):
    rng = np.random.default_rng(0)
    boxes = np.array([[10, 10, 50, 40], [35, 20, 80, 70], [5, 50, 30, 90]], float)
    cams = rng.random((3, 7, 7))
    rois = np.array(
        [[0, 0, 60, 50], [10, 10, 50, 40], [30, 15, 95, 77], [-8, 45, 40, 99]], float
    )
    owns = np.array([0, 0, 1, 2])
    labels = pseudo_labels(
        torch.tensor(cams),
        torch.tensor(boxes),
        torch.tensor(rois),
        torch.tensor(owns),
        14,
        0.5,
        overlap,
    )
    values = set()
    for got, roi, own in zip(labels.numpy(), rois, owns):
        expected = loop_labels(cams, boxes, roi, own, 14, 0.5, overlap)
        np.testing.assert_array_equal(got, expected)
        values |= set(expected.ravel())
    assert values == {-1, 0, 1}


def test_a_proposal_inside_its_box_has_no_negative_cell():
    box = torch.tensor([[0.0, 0.0, 40.0, 40.0]])
    roi = torch.tensor([[5.0, 5.0, 30.0, 30.0]])
    labels = pseudo_labels(torch.rand(1, 28, 28), box, roi, torch.tensor([0]), 28)
    assert (labels != 0).all()


def test_heat_resamples_by_coordinates_before_the_threshold():
    # A ramp on the box, read on a RoI that covers its right half.
    ramp = torch.linspace(0, 1, 28).expand(28, 28)[None]
    box = torch.tensor([[0.0, 0.0, 28.0, 28.0]])
    roi = torch.tensor([[14.0, 0.0, 28.0, 28.0]])
    heat = sample_cams(ramp, box, roi, 14)[0]
    torch.testing.assert_close(heat[0], ramp[0, 0, 14:])


def test_bad_overlap_and_no_rois():
    box, cams = torch.zeros(1, 4), torch.rand(1, 7, 7)
    with pytest.raises(ValueError, match='overlap'):
        pseudo_labels(cams, box, box, torch.tensor([0]), 4, overlap='both')
    empty = pseudo_labels(cams, box, box[:0], torch.zeros(0, dtype=torch.long), 4)
    assert empty.shape == (0, 4, 4)

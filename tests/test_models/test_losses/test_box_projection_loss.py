# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch

from mmwsmots.models.losses import BoxProjectionLoss


def loop_projection(probs, box, share):
    rows = []
    for y in range(probs.shape[0]):
        cells = sorted((p for p, b in zip(probs[y], box[y]) if b), reverse=True)
        if cells:
            k = max(1, round(len(cells) * share))
            rows.append(sum(cells[:k]) / k)
        else:
            rows.append(max(probs[y]))
    return rows


def loop_loss(probs, boxes, share):
    total = 0.0
    for p, b in zip(probs, boxes):
        for q, c in ((p, b), (p.T, b.T)):
            proj = loop_projection(q, c, share)
            target = [float(row.any()) for row in c]
            overlap = sum(x * t for x, t in zip(proj, target))
            norm = sum(x * x for x in proj) + sum(target)
            total += 1 - 2 * overlap / norm
    return total / len(probs)


def boxes(n):
    masks = torch.zeros(n, 9, 8, dtype=torch.bool)
    masks[:, 2:7, 1:6] = True
    return masks


@pytest.mark.parametrize('topk', [0.0, 0.3, 1.0])
def test_equals_a_loop(topk):
    torch.manual_seed(0)
    probs = torch.rand(3, 9, 8)
    value = BoxProjectionLoss(topk)(probs, boxes(3))
    assert abs(value - loop_loss(probs, boxes(3), topk)) < 1e-5


def test_rows_near_the_ground_ask_for_less():
    torch.manual_seed(2)
    probs, box = torch.rand(9, 8), boxes(1)[0]
    loss = BoxProjectionLoss(0.8, ground_share=0.25)
    # Rows 2 to 6: their middles lie 0.9, 0.7, 0.5, 0.3 and 0.1 above the lower side.
    # From 0.3 on k is whole.
    factors = [1, 1, 1, 1, 0.25 + 0.75 * 0.1 / 0.3]
    rows = [max(row) for row in probs.tolist()]
    for y, factor in zip(range(2, 7), factors):
        rows[y] = loop_projection(probs[y : y + 1], box[y : y + 1], 0.8 * factor)[0]
    columns = loop_projection(probs.T, box.T, 0.8)
    expected = 0.0
    for projection, target in ((rows, box.any(1)), (columns, box.any(0))):
        overlap = sum(p for p, t in zip(projection, target) if t)
        norm = sum(p * p for p in projection) + int(target.sum())
        expected += 1 - 2 * overlap / norm
    assert abs(loss(probs[None], box[None]) - expected) < 1e-5


def test_wheels_do_without_the_shadow_between_them():
    car = boxes(1).float()
    car[0, 6, 2:5] = 0  # of the lowest row, only the ends
    assert BoxProjectionLoss(0.7)(car, boxes(1)) > 0.01
    assert BoxProjectionLoss(0.7, ground_share=0.1)(car, boxes(1)) < 1e-3


@pytest.mark.parametrize('value', [1.5, -0.1])
def test_bad_ground(value):
    with pytest.raises(ValueError, match='ground_share must be in'):
        BoxProjectionLoss(0.5, ground_share=value)


def test_filled_box_is_perfect_and_one_path_satisfies_only_the_maximum():
    filled = boxes(1).float()
    cross = torch.zeros(1, 9, 8)
    cross[0, 4, 1:6] = 1
    cross[0, 2:7, 3] = 1
    assert BoxProjectionLoss(0.0)(filled, boxes(1)) < 1e-6
    assert BoxProjectionLoss(0.0)(cross, boxes(1)) < 1e-6
    assert BoxProjectionLoss(0.5)(filled, boxes(1)) < 1e-6
    assert BoxProjectionLoss(0.5)(cross, boxes(1)) > 0.1


def test_gradient():
    probs = torch.rand(2, 9, 8, dtype=torch.float64).float().requires_grad_()
    loss = BoxProjectionLoss(0.4)(probs, boxes(2))
    loss.backward()
    eps = 1e-3
    cell = probs.grad[0].abs().argmax()
    shift = torch.zeros_like(probs)
    shift.view(2, -1)[0, cell] = eps
    with torch.no_grad():
        high = BoxProjectionLoss(0.4)(probs + shift, boxes(2))
        low = BoxProjectionLoss(0.4)(probs - shift, boxes(2))
    numeric = (high - low) / (2 * eps)
    assert abs(numeric - probs.grad[0].flatten()[cell]) < 1e-3


def test_bad_share_and_no_mask():
    with pytest.raises(ValueError, match='topk'):
        BoxProjectionLoss(1.5)
    empty = torch.zeros(0, 4, 4, requires_grad=True)
    assert BoxProjectionLoss()(empty, torch.zeros(0, 4, 4, dtype=torch.bool)) == 0

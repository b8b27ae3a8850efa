# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import pytest
import torch

from mmwsmots.models.losses import PartialCrossEntropyLoss


def test_equals_a_loop():
    torch.manual_seed(0)
    logits = torch.randn(3, 4, 5)
    labels = torch.randint(-1, 2, (3, 4, 5)).to(torch.int8)
    labels[1] = -1  # all void: counts with 0
    total = 0.0
    for n in range(3):
        cells = []
        for i in range(4):
            for j in range(5):
                prob = 1 / (1 + math.exp(-logits[n, i, j].item()))
                if labels[n, i, j] == 1:
                    cells.append(-math.log(prob))
                elif labels[n, i, j] == 0:
                    cells.append(-math.log(1 - prob))
        total += sum(cells) / len(cells) if cells else 0.0
    loss = PartialCrossEntropyLoss(loss_weight=2.0)(logits, labels)
    assert abs(loss.item() - 2 * total / 3) < 1e-6


def test_void_cells_get_no_gradient():
    logits = torch.randn(2, 3, 3, requires_grad=True)
    labels = torch.full((2, 3, 3), -1)
    labels[0, 0, 0], labels[1, 2, 2] = 1, 0
    PartialCrossEntropyLoss()(logits, labels).backward()
    assert logits.grad.nonzero().tolist() == [[0, 0, 0], [1, 2, 2]]


def test_no_proposal_keeps_the_graph():
    logits = torch.zeros(0, 3, 3, requires_grad=True)
    loss = PartialCrossEntropyLoss()(logits, torch.zeros(0, 3, 3))
    loss.backward()
    assert loss == 0 and logits.grad.shape == (0, 3, 3)


def test_warms_up_over_the_calls_of_training_and_through_a_checkpoint():
    logits, labels = torch.full((1, 2, 2), 2.0), torch.zeros(1, 2, 2)
    whole = PartialCrossEntropyLoss(loss_weight=3.0)(logits, labels).item()
    loss = PartialCrossEntropyLoss(loss_weight=3.0, warmup_iters=4)
    assert loss.eval()(logits, labels).item() == whole  # and is not counted
    loss.train()
    shares = [loss(logits, labels).item() / whole for _ in range(2)]
    loss(logits[:0], labels[:0])  # a batch without objects is an iteration too
    resumed = PartialCrossEntropyLoss(loss_weight=3.0, warmup_iters=4)
    resumed.load_state_dict(loss.state_dict())
    shares += [resumed(logits, labels).item() / whole for _ in range(2)]
    assert shares == pytest.approx([0.25, 0.5, 1.0, 1.0])


def test_without_warm_up_a_checkpoint_holds_nothing_of_it():
    assert not PartialCrossEntropyLoss().state_dict()


def test_rejects_a_negative_warm_up():
    with pytest.raises(ValueError, match='warmup_iters must not be negative, got -1'):
        PartialCrossEntropyLoss(warmup_iters=-1)

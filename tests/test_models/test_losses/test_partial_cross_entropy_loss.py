# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

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


def test_a_checkpoint_holds_nothing_of_it():
    assert not PartialCrossEntropyLoss().state_dict()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from torch.nn.parallel import DistributedDataParallel

from mmwsmots.models.losses.mean_loss import MeanLoss
from tests.processes import run_processes

# Terms of two processes; the last pair has none at all.
SPLITS = [(5, 2), (0, 3), (1, 0), (0, 0)]


def terms():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(7, 4, generator=generator, dtype=torch.float64)


def step(model, inputs, gather):
    """Loss and gradient of the mean of the terms."""
    model.zero_grad()
    loss = MeanLoss(gather=gather).mean(model(inputs).square().sum(), len(inputs))
    loss.backward()
    return loss.detach(), next(model.parameters()).grad.clone()


def linear():
    torch.manual_seed(0)
    return torch.nn.Linear(4, 1, bias=False).double()


def run_rank(rank):
    model = DistributedDataParallel(linear())
    results = []
    for first, second in SPLITS:
        part = slice(0, first) if rank == 0 else slice(first, first + second)
        results.append([step(model, terms()[part], gather) for gather in (True, False)])
    return results


def test_the_average_of_processes_is_the_mean_of_all_terms():
    ranks = run_processes(run_rank)
    for i, (first, second) in enumerate(SPLITS):
        loss, grad = step(linear(), terms()[: first + second], False)
        gathered = [results[i][0] for results in ranks]
        torch.testing.assert_close((gathered[0][0] + gathered[1][0]) / 2, loss)
        for _, actual in gathered:
            torch.testing.assert_close(actual, grad)
        if first + second:
            assert loss > 0 and not torch.allclose(ranks[0][i][1][1], grad)


@pytest.mark.parametrize('gather', [True, False])
def test_one_process(gather):
    values = torch.tensor([1.0, 4.0], requires_grad=True)
    loss = MeanLoss(gather=gather)
    assert loss.mean(values.sum(), 2) == 2.5
    empty = loss.mean(values[:0].sum(), torch.tensor(0))
    empty.backward()
    assert empty == 0 and values.grad.tolist() == [0, 0]

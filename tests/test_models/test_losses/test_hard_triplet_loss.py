# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import pytest
import torch
from mmdet.registry import MODELS
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mmwsmots.models.losses import HardTripletLoss
from tests.processes import run_processes


def loss_by_loop(embeddings, ids, labels=None, margin=0.2):
    def distance(p, q):
        if p == q:
            return 0.0
        a, b = embeddings[p].tolist(), embeddings[q].tolist()
        dot = sum(u * v for u, v in zip(a, b))
        return 1 - dot / math.sqrt(sum(u * u for u in a) * sum(v * v for v in b))

    terms = []
    for a in range(len(ids)):
        positives = [p for p in range(len(ids)) if ids[p] == ids[a]]
        negatives = [
            n
            for n in range(len(ids))
            if ids[n] != ids[a] and (labels is None or labels[n] == labels[a])
        ]
        if negatives:
            farthest = max(distance(a, p) for p in positives)
            nearest = min(distance(a, n) for n in negatives)
            terms.append(max(farthest - nearest + margin, 0))
    return sum(terms) / len(terms) if terms else 0.0


def random_case(seed, num=12, num_ids=5, dims=4):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, num_ids, (num,), generator=generator)
    embeddings = torch.randn(num, dims, generator=generator, dtype=torch.float64)
    return embeddings, ids, ids % 2


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('with_labels', [False, True])
@pytest.mark.parametrize('margin', [0.2, 0.9])
def test_value_by_loop(seed, with_labels, margin):
    embeddings, ids, labels = random_case(seed)
    labels = labels if with_labels else None
    loss = HardTripletLoss(margin=margin)(embeddings, ids, labels)
    expected = loss_by_loop(embeddings, ids, labels, margin)
    assert expected > 0
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_labels_change_the_negatives():
    embeddings, ids, labels = random_case(0)
    loss = HardTripletLoss()
    assert loss(embeddings, ids, labels) != loss(embeddings, ids)


@pytest.mark.parametrize('with_labels', [False, True])
def test_gradient_by_finite_differences(with_labels):
    embeddings, ids, labels = random_case(1)
    labels = labels if with_labels else None
    loss = HardTripletLoss(margin=0.5)
    assert torch.autograd.gradcheck(
        lambda e: loss(e, ids, labels), embeddings.requires_grad_()
    )


def test_hand_computed():
    # Two views of 0 at right angles (d = 1), one object opposite to the first.
    embeddings = torch.tensor([[1.0, 0.0], [0.0, 3.0], [-2.0, 0.0]])
    ids = torch.tensor([7, 7, 8])
    # anchors: 1 - 2 + 1.5, 1 - 1 + 1.5, 0 (itself) - 1 + 1.5
    assert HardTripletLoss(margin=1.5)(embeddings, ids).item() == pytest.approx(2.5 / 3)
    weighted = MODELS.build(dict(type='HardTripletLoss', margin=1.5, loss_weight=6.0))
    assert weighted(embeddings, ids).item() == pytest.approx(5)


def test_only_itself_positive_is_at_distance_0():
    loss, ids = HardTripletLoss(margin=0.2), torch.arange(2)
    same = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    assert loss(same, ids).item() == pytest.approx(0.2)
    apart = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert loss(apart, ids).item() == 0
    # Also where its direction is not defined: 0 - 1 + 1.5 for both anchors.
    null = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    assert HardTripletLoss(margin=1.5)(null, ids).item() == pytest.approx(0.5)


def test_anchor_without_negative_is_skipped():
    embeddings, ids, _ = random_case(2)
    # A class of one identity: its rows are anchors of nothing.
    lone = torch.randn(3, 4, dtype=torch.float64)
    loss = HardTripletLoss()
    labels = torch.zeros_like(ids)
    expected = loss(embeddings, ids, labels)
    actual = loss(
        torch.cat([embeddings, lone]),
        torch.cat([ids, torch.full((3,), 99)]),
        torch.cat([labels, torch.ones(3, dtype=torch.long)]),
    )
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize(
    'ids, labels', [([], None), ([3], None), ([3, 3], [1, 1]), ([3, 4], [0, 1])]
)
def test_no_valid_anchor_still_takes_part(ids, labels):
    linear = nn.Linear(5, 3)
    labels = labels if labels is None else torch.tensor(labels)
    ids = torch.tensor(ids, dtype=torch.long)
    loss = HardTripletLoss()(linear(torch.randn(len(ids), 5)), ids, labels)
    assert loss.item() == 0
    loss.backward()
    assert (linear.weight.grad == 0).all() and (linear.bias.grad == 0).all()


def test_zero_vector_is_at_distance_1_and_gets_no_gradient():
    embeddings = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.5]], requires_grad=True)
    loss = HardTripletLoss(0.2)(embeddings, torch.tensor([0, 0, 1]))
    loss.backward()
    cos = 1 / math.sqrt(1.25)
    # anchors: 1 - 1 + 0.2, 1 - (1 - cos) + 0.2, 0 - (1 - cos) + 0.2
    expected = (0.2 + (cos + 0.2) + (cos - 0.8)) / 3
    assert loss.item() == pytest.approx(expected)
    assert (embeddings.grad[0] == 0).all()
    assert embeddings.grad.isfinite().all() and embeddings.grad[1].abs().sum() > 0


def test_computed_in_float32_under_autocast():
    embeddings, ids, _ = random_case(3)
    embeddings = embeddings.bfloat16()
    expected = HardTripletLoss()(embeddings.double(), ids)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        actual = HardTripletLoss()(embeddings, ids)
    assert actual.dtype == torch.float32
    torch.testing.assert_close(actual.double(), expected, rtol=1e-5, atol=1e-6)


def test_names_bad_shapes():
    with pytest.raises(ValueError, match=r'ids must have shape \(3, \)'):
        HardTripletLoss()(torch.zeros(3, 2), torch.zeros(2))
    with pytest.raises(ValueError, match=r'labels must have shape \(3, \)'):
        HardTripletLoss()(torch.zeros(3, 2), torch.zeros(3), torch.zeros(3, 1))


# Rows of rank 0 and rank 1 and whether negatives are of one class only. The last
# but one: no rank has an anchor on its own, together they have.
RANK_CASES = [
    ((5, 7), True),
    ((4, 8), False),
    ((12, 0), True),
    ((0, 12), False),
    ((1, 1), False),
    ((0, 0), True),
]


def distributed_case(index):
    (first, second), with_labels = RANK_CASES[index]
    inputs, ids, labels = random_case(10 + index, num=max(first + second, 1))
    num = first + second
    if num == 2:
        ids = torch.tensor([1, 2])
        inputs = inputs[:1] + torch.tensor([[0.0], [0.3]])  # alike: a positive loss
    return inputs[:num], ids[:num], labels[:num] if with_labels else None


def linear_model():
    torch.manual_seed(0)
    return nn.Linear(4, 3).double()


def step(model, gather, inputs, ids, labels):
    model.zero_grad()
    loss = HardTripletLoss(margin=0.5, gather=gather)(model(inputs), ids, labels)
    loss.backward()
    grads = [p.grad.clone() for p in model.parameters()]
    return loss.detach(), grads


def run_rank(rank):
    model = DistributedDataParallel(linear_model())
    results = {}
    for index, ((first, second), _) in enumerate(RANK_CASES):
        part = slice(0, first) if rank == 0 else slice(first, first + second)
        case = [None if v is None else v[part] for v in distributed_case(index)]
        for gather in (True, False):
            results[index, gather] = step(model, gather, *case)
    return results


@pytest.fixture(scope='module')
def rank_results():
    return run_processes(run_rank)


@pytest.mark.parametrize('index', range(len(RANK_CASES)))
def test_gathered_equals_one_process(rank_results, index):
    case = distributed_case(index)
    expected = step(linear_model(), False, *case)
    for results in rank_results:
        torch.testing.assert_close(results[index, True], expected)
    if len(case[0]) > 0:
        assert expected[0] > 0


@pytest.mark.parametrize('index', range(len(RANK_CASES)))
def test_default_is_the_set_of_each_rank(rank_results, index):
    inputs, ids, labels = distributed_case(index)
    first = RANK_CASES[index][0][0]
    parts = [
        [None if v is None else v[part] for v in (inputs, ids, labels)]
        for part in (slice(0, first), slice(first, None))
    ]
    alone = [step(linear_model(), False, *part) for part in parts]
    for results, (loss, _) in zip(rank_results, alone):
        torch.testing.assert_close(results[index, False][0], loss)
        for grad, g0, g1 in zip(results[index, False][1], alone[0][1], alone[1][1]):
            torch.testing.assert_close(grad, (g0 + g1) / 2)

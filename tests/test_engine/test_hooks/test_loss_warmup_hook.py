# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import HOOKS
from torch import nn

from mmwsmots.models.losses import PartialCrossEntropyLoss
from tests.test_models.utils import build_model

LOSS = 'detector.roi_head.mask_head.loss_loc'


def shares_of(model, iters, **options):
    """Loss in each iteration over the whole loss."""
    logits, labels = torch.full((1, 2, 2), 2.0), torch.zeros(1, 2, 2)
    whole = model.loss(logits, labels).item()
    hook = HOOKS.build(dict(type='LossWarmupHook', loss='loss', **options))
    runner = SimpleNamespace(model=model, iter=0)
    hook.before_train(runner)
    shares = []
    for runner.iter in iters:
        hook.before_train_iter(runner, runner.iter)
        shares.append(model.loss(logits, labels).item() / whole)
    hook.after_train(runner)
    assert model.loss(logits, labels).item() == whole
    return shares


def test_the_weight_grows_over_iterations_and_through_a_checkpoint():
    model = nn.Module()
    model.loss = PartialCrossEntropyLoss(loss_weight=3.0)
    shares = shares_of(model, range(6), num_iters=4)
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])
    # Resumed after two iterations: the runner counts on.
    assert shares_of(model, range(2, 4), num_iters=4) == pytest.approx([0.75, 1.0])


def test_checkpoints_load_whatever_the_warm_up(repo):
    """A step with a warm-up leaves nothing in the state."""
    model = build_model(repo)
    hook = HOOKS.build(dict(type='LossWarmupHook', loss=LOSS, num_iters=4))
    hook.before_train(SimpleNamespace(model=model, iter=0))
    hook.before_train_iter(SimpleNamespace(model=model, iter=0), 0)
    build_model(repo).load_state_dict(model.state_dict(), strict=True)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match='num_iters must be at least 1, got 0'):
        HOOKS.build(dict(type='LossWarmupHook', loss='loss', num_iters=0))
    hook = HOOKS.build(dict(type='LossWarmupHook', loss='head.loss', num_iters=1))
    with pytest.raises(ValueError, match=r"'head\.loss' is NoneType"):
        hook.before_train(SimpleNamespace(model=nn.Linear(1, 1)))

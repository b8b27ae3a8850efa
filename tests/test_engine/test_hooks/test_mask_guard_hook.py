# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import logging
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import HOOKS, MODELS
from mmdet.structures.mask import BitmapMasks
from mmengine.logging import MessageHub

from mmwsmots.engine.hooks.mask_guard_hook import gradient_norm
from tests.test_models.utils import build_model, random_batch

NAN = float('nan')


def build(**options):
    return HOOKS.build(dict(type='MaskGuardHook', **options))


def watch(hook, model, ratios, caplog):
    """Feed foreground ratios to the hook and return the warnings by iteration."""
    runner = SimpleNamespace(model=model, iter=0, logger=logging.getLogger('guard'))
    hook.before_train(runner)
    warnings = {}
    for i, ratio in enumerate(ratios):
        caplog.clear()
        runner.iter = i
        hook.before_train_iter(runner, i)
        hook.after_train_iter(runner, i, outputs=dict(mask_area=torch.tensor(ratio)))
        for record in caplog.records:
            warnings[i] = record.getMessage()
    return warnings


@pytest.fixture(scope='module')
def model(repo):
    return build_model(repo)


def test_each_collapse_is_named_once_with_the_option_that_helps(model, caplog):
    ratios = [0.99] * 5 + [0.7] + [0.98] * 2 + [0.1] * 4
    warnings = watch(build(patience=3), model, ratios, caplog)
    assert sorted(warnings) == [2, 10]
    assert 'filled box' in warnings[2] and 'label_dataset' in warnings[2]
    assert 'vanishing mask' in warnings[10] and 'cam_thr' in warnings[10]


def test_healthy_or_unknown_ratios_do_not_warn(model, caplog):
    assert not watch(build(patience=2), model, [0.97, 0.3, 0.5, 0.99, 0.6], caplog)
    assert not watch(build(patience=2), model, [NAN] * 5, caplog)
    # Batches without objects neither count nor break a row.
    warnings = watch(build(patience=2), model, [0.99, NAN, 0.99], caplog)
    assert sorted(warnings) == [2]


@pytest.mark.parametrize('name', ['mots', 'wsmots'])
def test_statistics_are_logged_and_change_no_loss(repo, name):
    model = build_model(repo, name).train()
    batch_masks = name == 'mots'
    hook = build(grad_interval=2)
    hub = MessageHub(name)
    runner = SimpleNamespace(model=model, iter=0, message_hub=hub)

    def run():
        torch.manual_seed(0)
        data = model.data_preprocessor(random_batch([2, 1]), True)
        if batch_masks:
            add_masks(data)
        return model.loss(data['inputs'], data['data_samples'])

    plain = run()
    hook.before_train(runner)
    hook.before_train_iter(runner, 0)
    watched = run()
    runner.iter = 1
    hook.before_train_iter(runner, 1)
    with_norms = run()
    for key, value in plain.items():
        for other in (watched, with_norms):
            assert str(value) == str(other[key])
    new = {'mask_area', 'mask_area_soft'}
    if not batch_masks:
        new |= {'label_positive', 'label_void', 'cam_rim_precision'}
    assert set(watched) - set(plain) == new
    assert set(with_norms) == set(watched)
    hook.after_train_iter(runner, 1, outputs={})
    grads = {key.replace('loss_', 'mask_grad_') for key in mask_losses(plain)}
    assert set(hub.log_scalars) == {f'train/{key}' for key in grads}
    assert all(hub.get_scalar(f'train/{key}').current() > 0 for key in grads)
    hook.after_train_iter(runner, 2, outputs={})  # without new ones
    assert {len(log.data[0]) for log in hub.log_scalars.values()} == {1}
    assert not any('loss' in key for key in new | grads)  # mmengine would add them up
    hook.after_train(runner)
    assert set(run()) == set(plain)


@pytest.mark.parametrize('name', ['mots', 'wsmots'])
def test_a_batch_without_objects_has_no_statistics(repo, name):
    model = build_model(repo, name).train()
    data = model.data_preprocessor(random_batch([0, 0]), True)
    if name == 'mots':
        add_masks(data)
    hook, runner = build(grad_interval=0), SimpleNamespace(model=model, iter=0)
    plain = model.loss(data['inputs'], data['data_samples'])
    hook.before_train(runner)
    hook.before_train_iter(runner, 0)
    watched = model.loss(data['inputs'], data['data_samples'])
    assert watched.keys() == plain.keys()
    outputs = model.parse_losses(watched)[1]
    assert all(torch.as_tensor(value).isfinite().all() for value in outputs.values())
    hook.after_train_iter(runner, 0, outputs=outputs)
    hook.after_train(runner)


def mask_losses(losses):
    return [key for key in losses if key in ('loss_mask', 'loss_loc', 'loss_crf')]


def add_masks(data):
    for clip in data['data_samples']:
        for frame in clip.video_data_samples:
            shape = (len(frame.gt_instances), *frame.img_shape)
            frame.gt_instances.masks = BitmapMasks(
                torch.randint(0, 2, shape).numpy(), *shape[1:]
            )


def test_gradient_norms_equal_autograd_on_separate_graphs():
    preds = torch.randn(3, 2, 4, 4, requires_grad=True)
    one, other = preds.square().sum(), 3 * preds[0].sum()
    torch.testing.assert_close(gradient_norm(one, preds), 2e3 * preds.detach().norm())
    norm = gradient_norm(other, preds)
    torch.testing.assert_close(norm, torch.tensor(3e3 * 32**0.5))
    assert preds.grad is None


def test_wrong_settings_and_a_model_without_masks():
    with pytest.raises(ValueError, match='min_ratio=0'):
        build(min_ratio=0.5, max_ratio=0.4)
    with pytest.raises(ValueError, match='patience'):
        build(patience=0)
    runner = SimpleNamespace(model=MODELS.build(dict(type='mmdet.L1Loss')))
    with pytest.raises(ValueError, match='no MOTSMaskHead'):
        build().before_train(runner)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import logging
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import HOOKS, MODELS
from mmdet.structures.mask import BitmapMasks

from mmwsmots.models.roi_heads import MOTSMaskHead
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
    hook, runner = build(), SimpleNamespace(model=model, iter=0)

    def run():
        torch.manual_seed(0)
        data = model.data_preprocessor(random_batch([2, 1]), True)
        if batch_masks:
            add_masks(data)
        return model.loss(data['inputs'], data['data_samples'])

    plain = run()
    hook.before_train(runner)
    watched = run()
    for key, value in plain.items():
        assert str(value) == str(watched[key])
    assert set(watched) - set(plain) == {'mask_area'}
    hook.after_train(runner)
    assert set(run()) == set(plain)


@pytest.mark.parametrize('name', ['mots', 'wsmots'])
def test_a_batch_without_objects_has_no_statistics(repo, name):
    model = build_model(repo, name).train()
    data = model.data_preprocessor(random_batch([0, 0]), True)
    if name == 'mots':
        add_masks(data)
    hook, runner = build(), SimpleNamespace(model=model, iter=0)
    plain = model.loss(data['inputs'], data['data_samples'])
    hook.before_train(runner)
    watched = model.loss(data['inputs'], data['data_samples'])
    assert watched.keys() == plain.keys()
    outputs = model.parse_losses(watched)[1]
    assert all(torch.as_tensor(value).isfinite().all() for value in outputs.values())
    hook.after_train_iter(runner, 0, outputs=outputs)
    hook.after_train(runner)


def add_masks(data):
    for clip in data['data_samples']:
        for frame in clip.video_data_samples:
            shape = (len(frame.gt_instances), *frame.img_shape)
            frame.gt_instances.masks = BitmapMasks(
                torch.randint(0, 2, shape).numpy(), *shape[1:]
            )


def test_areas_by_hand():
    boxes = torch.tensor([[0, 0, 2, 2], [0, 1, 4, 4], [9, 9, 12, 12.0]])
    rois = torch.tensor([[0, 0, 4, 4.0]]).expand(3, 4)  # the third box is off its grid
    logits = torch.full((3, 4, 4), -1.0)
    logits[0, 1:, 1:] = 1  # 1 of the 4 cells in the box
    logits[1:] = 0  # all of the 12
    samples = [SimpleNamespace(pos_gt_bboxes=boxes, pos_priors=rois)]
    statistics = MOTSMaskHead.area_statistics(logits, samples)
    assert statistics['mask_area'].item() == pytest.approx((1 / 4 + 1) / 2)
    off = [SimpleNamespace(pos_gt_bboxes=boxes[2:], pos_priors=rois[2:])]
    assert MOTSMaskHead.area_statistics(logits[2:], off) == {}


def test_wrong_settings_and_a_model_without_masks():
    with pytest.raises(ValueError, match='patience'):
        build(patience=0)
    runner = SimpleNamespace(model=MODELS.build(dict(type='mmdet.L1Loss')))
    with pytest.raises(ValueError, match='no MOTSMaskHead'):
        build().before_train(runner)

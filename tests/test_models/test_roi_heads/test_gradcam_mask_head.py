# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmwsmots.models.utils.crop_augment import jittered_rois

TRAIN_CFG = ConfigDict(mask_size=28)


def head(**options):
    cfg = dict(
        type='GradCAMMaskHead',
        num_convs=1,
        in_channels=4,
        conv_out_channels=4,
        num_classes=2,
        crf_size=16,
        **options,
    )
    return MODELS.build(cfg)


def case(rgb=True, num=3):
    torch.manual_seed(0)
    corners = torch.rand(num, 2) * 20
    gts = InstanceData(
        bboxes=torch.cat([corners, corners + 15], dim=1),
        labels=torch.arange(num) % 2,
        cams=torch.rand(num, 28, 28),
    )
    if rgb:
        gts.set_field(torch.rand(3, 48, 48) * 255, 'rgb', None, 'metainfo')
    inds = torch.arange(num).repeat(2)
    sampling = InstanceData(
        pos_priors=jittered_rois(gts.bboxes[inds], 1.0, 0.2),
        pos_gt_labels=gts.labels[inds],
        pos_assigned_gt_inds=inds,
    )
    return [sampling], [gts]


def test_both_losses():
    mask_head = head()
    sampling, gts = case()
    preds = mask_head(torch.randn(6, 4, 14, 14))
    out = mask_head.loss_and_target(preds, sampling, gts, TRAIN_CFG)
    assert set(out['loss_mask']) == {'loss_loc', 'loss_crf'}
    assert out['mask_targets'].shape == (6, 28, 28)
    sum(out['loss_mask'].values()).backward()
    assert all(p.grad is not None for p in mask_head.parameters())


def test_only_the_matched_class_gets_gradient():
    mask_head = head(loss_crf=None)
    sampling, gts = case(rgb=False)
    preds = torch.randn(6, 2, 28, 28, requires_grad=True)
    out = mask_head.loss_and_target(preds, sampling, gts, TRAIN_CFG)
    out['loss_mask']['loss_loc'].backward()
    used = preds.grad.flatten(2).any(dim=2)
    labels = sampling[0].pos_gt_labels
    assert not used[torch.arange(6), 1 - labels].any()
    assert used[torch.arange(6), labels].all()


def test_masks_in_the_annotations_change_nothing():
    mask_head = head(loss_crf=None)
    preds = torch.randn(6, 2, 28, 28)
    values = []
    for poison in (None, torch.randint(0, 2, (3, 48, 48)).bool()):
        sampling, gts = case(rgb=False)
        if poison is not None:
            gts[0].masks = poison
        out = mask_head.loss_and_target(preds, sampling, gts, TRAIN_CFG)
        values.append(out['loss_mask']['loss_loc'])
    assert torch.equal(*values)


def test_missing_rgb_names_the_preprocessor():
    sampling, gts = case(rgb=False)
    with pytest.raises(KeyError, match='RGBDetDataPreprocessor'):
        head().loss_and_target(torch.randn(6, 2, 28, 28), sampling, gts, TRAIN_CFG)

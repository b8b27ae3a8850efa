# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

SIDE = 8


def dense_energy(probs, rgb, sigma_rgb, sigma_xy):
    """2 S'W(1 - S) of one crop, pair by pair."""
    ys, xs = np.mgrid[:SIDE, :SIDE]
    places = np.stack([xs.ravel(), ys.ravel()], 1)
    colors = rgb.reshape(3, -1).T
    s, total = probs.ravel(), 0.0
    for i in range(SIDE**2):
        color = ((colors[i] - colors) ** 2).sum(1) / (2 * sigma_rgb**2)
        place = ((places[i] - places) ** 2).sum(1) / (2 * sigma_xy**2)
        total += 2 * s[i] * (np.exp(-color - place) * (1 - s)).sum()
    return total


def head(**options):
    return MODELS.build(
        dict(
            type='CRFMaskHead',
            num_convs=1,
            in_channels=4,
            conv_out_channels=4,
            num_classes=2,
            crf_size=SIDE,
            loss_crf=dict(
                type='CRFLoss', sigma_rgb=60.0, sigma_xy=5.0, loss_weight=0.01
            ),
            **options,
        )
    )


def case():
    """Two boxes of SIDE x SIDE whole pixels: a crop is a part of the image."""
    torch.manual_seed(0)
    gts = InstanceData(
        bboxes=torch.tensor([[2.0, 4, 10, 12], [14, 3, 22, 11]]),
        labels=torch.tensor([0, 1]),
        masks=BitmapMasks(np.ones((2, 24, 24), np.uint8), 24, 24),
    )
    gts.set_field(torch.rand(3, 24, 24) * 255, 'rgb', None, 'metainfo')
    sampling = InstanceData(
        pos_priors=gts.bboxes,
        pos_gt_labels=gts.labels,
        pos_assigned_gt_inds=torch.arange(2),
    )
    return [sampling], [gts]


def test_energy_of_each_mask_on_its_own_crop():
    sampling, (gts,) = case()
    preds = torch.randn(2, 2, SIDE, SIDE, requires_grad=True)
    mask_head = head()
    losses = mask_head.loss_and_target(
        preds, sampling, [gts], ConfigDict(mask_size=SIDE)
    )['loss_mask']
    probs = preds.detach().sigmoid().numpy()
    expected = 0.01 * np.mean(
        [
            dense_energy(probs[0, 0], gts.rgb[:, 4:12, 2:10].numpy(), 60, 5),
            dense_energy(probs[1, 1], gts.rgb[:, 3:11, 14:22].numpy(), 60, 5),
        ]
    )
    assert losses['loss_crf'].item() == pytest.approx(expected, rel=0.03)
    losses['loss_crf'].backward()
    reached = preds.grad.flatten(2).any(2)
    assert reached.tolist() == [[True, False], [False, True]]


def test_the_cross_entropy_stays_as_it_is():
    sampling, gts = case()
    preds = torch.randn(2, 2, SIDE, SIDE)
    cfg = ConfigDict(mask_size=SIDE)
    ours = head().loss_and_target(preds, sampling, gts, cfg)['loss_mask']
    plain = MODELS.build(
        dict(type='FCNMaskHead', num_convs=1, in_channels=4, num_classes=2)
    )
    theirs = plain.loss_and_target(preds, sampling, gts, cfg)['loss_mask']
    assert set(ours) == {'loss_mask', 'loss_crf'}
    torch.testing.assert_close(ours['loss_mask'], theirs['loss_mask'])


def test_without_rgb_the_preprocessor_is_named():
    sampling, (gts,) = case()
    bare = InstanceData(bboxes=gts.bboxes, labels=gts.labels, masks=gts.masks)
    with pytest.raises(KeyError, match='RGBDetDataPreprocessor'):
        head().loss_and_target(
            torch.zeros(2, 2, SIDE, SIDE), sampling, [bare], ConfigDict(mask_size=SIDE)
        )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
import torch.nn.functional as F
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmwsmots.models.roi_heads import MOTSMaskHead

# Best logit of each of a mask's ten rows: all columns are the same.
PEAKS = torch.tensor([-3.0, -2.0, -1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0])


def predicted(max_empty_share, mean_field):
    """Soft masks (2, 10, 10) of two boxes, one of each class, that are their RoIs."""
    head = MOTSMaskHead(num_classes=2, in_channels=4, conv_out_channels=4)
    preds = PEAKS.view(1, 1, 10, 1).expand(2, 2, 10, 10).clone()
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [10.0, 5.0, 30.0, 25.0]])
    results = InstanceData(bboxes=boxes, labels=torch.tensor([0, 1]))
    meta = dict(ori_shape=(30, 30), img_shape=(30, 30), scale_factor=(1.0, 1.0))
    meta['rgb'] = torch.rand(3, 30, 30) * 255
    refiner = dict(
        type='MaskRefiner', max_empty_share=max_empty_share, mean_field=mean_field
    )
    cfg = ConfigDict(mask_thr_binary=0.5, mask_refiner=refiner)
    (res,) = head.predict_by_feat((preds,), [results], [meta], cfg, rescale=True)
    return res


def test_masks_reach_their_sides_before_the_image_refines_them():
    # No iterations: what mean field starts from; eight of ten rows are to be met.
    res = predicted(0.2, dict(size=10, num_iters=0))
    expected = (PEAKS + 1).view(1, 10, 1).expand(2, 10, 10)
    torch.testing.assert_close(res.mask_probs, expected.sigmoid())


def test_soft_masks_are_the_networks_where_nothing_refines_them():
    res = predicted(0.2, None)
    expected = PEAKS.sigmoid().view(1, 10, 1).expand(2, 10, 10)
    torch.testing.assert_close(res.mask_probs, expected)
    # Of boxes of 10 and 20 pixels those below the middle of the third of ten rows.
    assert res.masks.any(dim=2).sum(dim=1).tolist() == [8, 15]


@pytest.mark.parametrize('class_agnostic', [False, True])
def test_unsure_masks_weigh_less(class_agnostic):
    """Weighted mean over RoIs, against a loop in float64."""
    torch.manual_seed(0)
    head = MOTSMaskHead(
        num_classes=2,
        in_channels=4,
        conv_out_channels=4,
        class_agnostic=class_agnostic,
        loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=2.0),
    )
    bitmaps = (torch.rand(3, 8, 8) > 0.5).numpy().astype('uint8')
    gts = [
        InstanceData(
            masks=BitmapMasks(bitmaps[:2], 8, 8), mask_scores=torch.tensor([0.9, 0.2])
        ),
        InstanceData(
            masks=BitmapMasks(bitmaps[2:], 8, 8), mask_scores=torch.tensor([0.5])
        ),
    ]
    boxes = torch.tensor([[0.0, 0.0, 8.0, 8.0]])
    samplings = [
        InstanceData(
            pos_priors=boxes.repeat(len(inds), 1),
            pos_gt_labels=torch.tensor(labels),
            pos_assigned_gt_inds=torch.tensor(inds),
        )
        for inds, labels in (([1, 0, 1], [1, 0, 1]), ([0], [1]))
    ]
    preds = torch.randn(4, 1 if class_agnostic else 2, 8, 8, requires_grad=True)
    cfg = ConfigDict(mask_size=8)

    def loss():
        results = head.loss_and_target(preds, samplings, gts, cfg)
        return results['loss_mask']['loss_mask']

    expected, total = 0.0, 0.0
    rows = ((0, 1, 0.2), (1, 0, 0.9), (2, 1, 0.2), (3, 2, 0.5))
    for index, mask, score in rows:
        logits = preds[index, 0 if class_agnostic else int(mask != 0)].double()
        target = torch.from_numpy(bitmaps[mask]).double()
        expected = expected + score**4 * F.softplus(logits - 2 * logits * target).mean()
        total += score**4
    torch.testing.assert_close(loss().double(), 2 * expected / total, rtol=1e-6, atol=0)
    # Masks of which nothing is known teach nothing, and a batch of them is no error.
    for instances in gts:
        instances.mask_scores.zero_()
    value = loss()
    (grad,) = torch.autograd.grad(value, preds)
    assert value == 0 and (grad == 0).all()
    # Without scores, or all of them 1, it is mmdet's.
    for instances in gts:
        instances.mask_scores.fill_(1)
    weighted = loss()
    for instances in gts:
        del instances.mask_scores
    torch.testing.assert_close(weighted, loss().squeeze(), rtol=1e-6, atol=0)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.logging import MessageHub
from mmengine.structures import InstanceData

from mmwsmots.models.dense_heads import crf_boxinst_mask_head

SIZE = 64
STRIDE = 4
BOXES = torch.tensor([[8.0, 16, 39, 47], [32, 0, 63, 31]])  # 8 x 8 cells each


def build(loss_crf=None, **options):
    feature_head = dict(
        in_channels=8,
        feat_channels=8,
        start_level=0,
        end_level=2,
        out_channels=16,
        mask_stride=8,
        num_stacked_convs=1,
        norm_cfg=dict(type='BN'),
    )
    return MODELS.build(
        dict(
            type='CRFBoxInstMaskHead',
            feat_channels=16,
            mask_out_stride=STRIDE,
            topk_masks_per_img=64,
            mask_feature_head=feature_head,
            loss_mask=dict(type='DiceLoss', use_sigmoid=True, activate=True, eps=5e-6),
            crf_size=8,
            loss_crf=loss_crf or dict(type='CRFLoss', loss_weight=1e-3),
            **options,
        )
    )


def case(num_pos=3):
    """An image as the data preprocessor leaves it, and masks of its locations."""
    preprocessor = MODELS.build(
        dict(
            type='RGBBoxInstDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
            pad_size_divisor=32,
        )
    )
    torch.manual_seed(0)
    image = torch.randint(0, 256, (3, SIZE, SIZE), dtype=torch.uint8)
    sample = DetDataSample(metainfo=dict(img_shape=(SIZE, SIZE)))
    sample.gt_instances = InstanceData(bboxes=BOXES, labels=torch.tensor([0, 1]))
    data = preprocessor(dict(inputs=[image], data_samples=[sample]), training=True)
    gts = data['data_samples'][0].gt_instances
    infos = InstanceData(
        pos_assigned_gt_inds=torch.tensor([1, 0, 1])[:num_pos],
        scores=torch.zeros(num_pos, 2),
        centernesses=torch.zeros(num_pos, 1),
    )
    cells = SIZE // STRIDE
    preds = torch.randn(num_pos, cells, cells, requires_grad=True)
    MessageHub.get_current_instance().update_info('iter', 100)
    return image, preds, gts, infos


def test_the_preprocessor_keeps_rgb_and_what_boxinst_needs():
    image, _, gts, _ = case()
    torch.testing.assert_close(gts.rgb, image.flip(0).float(), atol=1e-3, rtol=0)
    assert len(gts.masks) == len(gts.pairwise_masks) == 2


def test_crops_are_the_true_boxes(monkeypatch):
    monkeypatch.setattr(crf_boxinst_mask_head, 'CONTEXT', 1.0)
    image, preds, gts, infos = case()
    probs, rgb = build()._crops(preds, gts.rgb, gts, infos)
    # BoxInst orders its locations by true box.
    for row, pred, (top, left) in (
        (0, preds[1], (4, 2)),
        (1, preds[0], (0, 8)),
        (2, preds[2], (0, 8)),
    ):
        cells = pred.sigmoid()[top : top + 8, left : left + 8]
        torch.testing.assert_close(probs[row], cells)
        colors = image.flip(0).float().unfold(1, 4, 4).unfold(2, 4, 4).mean((3, 4))
        colors = colors[:, top : top + 8, left : left + 8]
        torch.testing.assert_close(rgb[row], colors, atol=1e-2, rtol=1e-3)


def test_the_loss_is_crf_loss_of_the_crops_and_stays_in_and_around_the_boxes():
    _, preds, gts, infos = case()
    head = build()
    losses = head.loss_by_feat([preds], [gts], [{}], [infos])
    assert set(losses) == {'loss_mask_project', 'loss_mask_pairwise', 'loss_crf'}
    expected = head.loss_crf(*head._crops(preds, gts.rgb, gts, infos))
    torch.testing.assert_close(losses['loss_crf'], expected)
    losses['loss_crf'].backward()
    # Box 0 expanded by 1.5 spans cells 2-2..10+2 by 4-2..12+2, plus interpolation.
    reached = preds.grad[1] != 0
    assert reached[4:12, 2:10].all()
    outside = torch.ones_like(reached)
    outside[1:15, 0:13] = False
    assert not reached[outside].any()


def test_an_image_without_positive_locations():
    _, preds, gts, infos = case(num_pos=0)
    losses = build().loss_by_feat([preds], [gts], [{}], [infos])
    assert losses['loss_crf'] == 0

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmwsmots.models.task_modules import MaskRefiner

SIZE = 64
MEAN_FIELD = dict(size=56, sigma_rgb=8.0, sigma_xy=20.0, weight=8.0)
REFINER = dict(type='MaskRefiner', mean_field=MEAN_FIELD, max_empty_share=0.1)


def extractor():
    return dict(
        type='SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=1),
        out_channels=8,
        featmap_strides=[4],
    )


def roi_head(name, refiner=REFINER, **options):
    """A RoI head of mmdet or ours whose network says next to nothing."""
    cascade = 'Cascade' in name
    bbox_head = dict(
        type='Shared2FCBBoxHead',
        in_channels=8,
        fc_out_channels=16,
        roi_feat_size=14,
        num_classes=2,
    )
    mask_head = dict(
        type='CRFMaskHead',
        num_convs=1,
        in_channels=8,
        conv_out_channels=8,
        num_classes=2,
    )
    cfg = dict(
        type=name,
        bbox_roi_extractor=extractor(),
        bbox_head=[bbox_head] * 2 if cascade else bbox_head,
        mask_roi_extractor=extractor(),
        mask_head=mask_head,
        test_cfg=dict(mask_thr_binary=0.5, mask_refiner=refiner, **options),
    )
    if cascade:
        cfg.update(num_stages=2, stage_loss_weights=[1, 0.5])
    torch.manual_seed(0)
    head = MODELS.build(ConfigDict(cfg)).eval()
    for module in head.mask_head if cascade else [head.mask_head]:
        torch.nn.init.constant_(module.conv_logits.weight, 0)
        torch.nn.init.constant_(module.conv_logits.bias, 0.3)
    return head


def scene():
    """A light object on the dark, its tight box and the image's information."""
    truth = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    truth[16:48, 12:44] = True
    truth[16:24, 12:20] = truth[40:48, 36:44] = False  # the box is not full
    rgb = torch.where(truth, 200.0, 40.0).expand(3, SIZE, SIZE)
    shape = (SIZE, SIZE)
    meta = dict(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0), rgb=rgb)
    return truth, torch.tensor([[12.0, 16.0, 44.0, 48.0]]), meta


def predict(head, bboxes, meta):
    num = len(bboxes)
    detections = InstanceData(
        bboxes=bboxes.clone(),
        labels=torch.zeros(num, dtype=torch.long),
        scores=torch.ones(num),
    )
    x = (torch.randn(1, 8, SIZE // 4, SIZE // 4),)
    with torch.no_grad():
        (results,) = head.predict_mask(x, [meta], [detections], rescale=True)
    return results


@pytest.mark.parametrize('name', ['StandardRoIHead', 'CascadeRoIHead', 'MOTSRoIHead'])
def test_all_roi_heads_refine_alike(name):
    truth, bboxes, meta = scene()
    results = predict(roi_head(name), bboxes, meta)
    refiner = TASK_UTILS.build(REFINER)
    logits = refiner.refine_logits(
        torch.full((1, 28, 28), 0.3), F.pad(bboxes, (1, 0)), bboxes, meta['rgb'][None]
    )
    torch.testing.assert_close(results.mask_probs, logits.sigmoid())
    assert results.masks[0][truth].all()
    # Without context nothing in the RoI is known to be outside, but all around it is.
    results.masks[:, 16:48, 12:44] = False
    assert not results.masks.any()
    torch.testing.assert_close(results.bboxes, bboxes)
    plain = predict(roi_head(name, None), bboxes, meta)
    torch.testing.assert_close(plain.mask_probs, torch.full((1, 28, 28), 0.3).sigmoid())


@pytest.mark.parametrize('name', ['StandardRoIHead', 'MOTSRoIHead'])
@pytest.mark.parametrize('refiner', [REFINER, None])
def test_images_without_detections(name, refiner):
    _, bboxes, meta = scene()
    results = predict(roi_head(name, refiner), bboxes[:0], meta)
    assert results.masks.shape == (0, SIZE, SIZE)


def test_on_grids_of_any_network():
    """As a network on crops calls it: RoIs with context."""
    truth, bboxes, meta = scene()
    rois = torch.tensor([[0.0, 6.4, 10.4, 49.6, 53.6]])
    logits = torch.full((1, 28, 28), -0.9)
    refiner = MaskRefiner(mean_field=MEAN_FIELD, max_empty_share=0.1)
    found = refiner.refine_logits(logits, rois, bboxes, meta['rgb'][None])
    assert found.shape == (1, 56, 56)
    steps = (torch.arange(56) + 0.5) / 56
    ys, xs = 10.4 + steps * 43.2, 6.4 + steps * 43.2
    inside = truth[ys.long()[:, None], xs.long()]
    # Up to two cells from an edge, where a cell has the colours of both sides.
    core = F.max_pool2d(1 - inside[None].float(), 5, 1, 2)[0] == 0
    far = F.max_pool2d(inside[None].float(), 5, 1, 2)[0] == 0
    assert (found[0][core] > 0).all() and (found[0][far] < 0).all()
    assert core.sum() > 500 and far.sum() > 500


@pytest.mark.parametrize('mask_thr', [0.3, 0.5])
@pytest.mark.parametrize(('share', 'rows'), [(0.0, 10), (0.25, 8), (0.5, 5), (0.95, 3)])
def test_a_shift_lets_masks_reach_their_sides(share, rows, mask_thr):
    _, bboxes, _ = scene()
    # Rows that are met at ever lower thresholds; three at 0.3 and, cut at 0.3, at 0.5.
    steps = torch.tensor([2.0, 1.0, 0.5, *torch.linspace(-1, -3, 7).tolist()])
    logits = steps.view(1, 10, 1).expand(1, 10, 10)
    refiner = MaskRefiner(max_empty_share=share)
    shifted = refiner.shift_logits(
        logits, F.pad(bboxes, (1, 0)), bboxes, mask_thr=mask_thr
    )
    met = shifted.sigmoid() >= mask_thr - 1e-6
    assert met.all(dim=2).sum() == rows


def test_without_an_option_nothing_changes():
    _, bboxes, _ = scene()
    logits, rois = torch.randn(1, 28, 28), F.pad(bboxes, (1, 0))
    refiner = MaskRefiner()
    assert refiner.refine_logits(logits, rois, bboxes) is logits
    assert refiner.shift_logits(logits, rois, bboxes) is logits


def test_wrong_use_is_named():
    _, bboxes, meta = scene()
    message = r'rcnn\.fill_holes belongs into .*mask_refiner'
    head = roi_head('StandardRoIHead')
    head.test_cfg.fill_holes = True
    with pytest.raises(ValueError, match=message):
        predict(head, bboxes, meta)
    with pytest.raises(ValueError, match=message):  # ours says so at once
        roi_head('MOTSRoIHead', fill_holes=True)
    del meta['rgb']
    with pytest.raises(KeyError, match='RGBDetDataPreprocessor'):
        predict(roi_head('StandardRoIHead'), bboxes, meta)

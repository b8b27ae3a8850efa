# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import logging
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import HOOKS, MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

SIZE = 64


def extractor():
    return dict(
        type='SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=1),
        out_channels=8,
        featmap_strides=[4],
    )


def build(test_cfg=None, mask_head=None, **options):
    torch.manual_seed(0)
    stage = dict(
        assigner=dict(
            type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5
        ),
        sampler=dict(
            type='RandomSampler', num=16, pos_fraction=0.5, add_gt_as_proposals=True
        ),
        mask_size=28,
        pos_weight=-1,
    )
    cfg = dict(
        type='GradCAMCascadeRoIHead',
        num_stages=2,
        stage_loss_weights=[1, 0.5],
        bbox_roi_extractor=extractor(),
        bbox_head=dict(
            type='GradCAMBBoxHead',
            in_channels=8,
            fc_out_channels=16,
            num_classes=2,
            reg_class_agnostic=True,
        ),
        mask_roi_extractor=extractor(),
        mask_head=mask_head
        or dict(
            type='GradCAMMaskHead',
            num_convs=1,
            in_channels=8,
            conv_out_channels=8,
            num_classes=2,
            crf_size=16,
        ),
        train_cfg=[stage, stage],
        test_cfg=dict(mask_thr_binary=0.5, **(test_cfg or {})),
    )
    return MODELS.build(ConfigDict({**cfg, **options}))


def case():
    torch.manual_seed(1)
    sample = DetDataSample(
        metainfo=dict(
            img_shape=(SIZE, SIZE), ori_shape=(SIZE, SIZE), scale_factor=(1.0, 1.0)
        )
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[4.0, 6, 28, 40], [34, 20, 60, 60]]),
        labels=torch.tensor([0, 1]),
    )
    sample.gt_instances.set_field(
        torch.rand(3, SIZE, SIZE) * 255, 'rgb', None, 'metainfo'
    )
    x = (torch.randn(1, 8, SIZE // 4, SIZE // 4, requires_grad=True),)
    return x, sample


def losses_of(head, x, sample):
    proposals = InstanceData(bboxes=sample.gt_instances.bboxes + 1)
    return head.loss(x, [proposals], [sample])


def keep_cams(mask_head, seen):
    get_targets = mask_head.get_targets

    def watched(sampling_results, batch_gt_instances, rcnn_train_cfg):
        seen.extend(gts.cams for gts in batch_gt_instances)
        return get_targets(sampling_results, batch_gt_instances, rcnn_train_cfg)

    mask_head.get_targets = watched


def test_each_stage_learns_from_its_own_heat_maps():
    head = build()
    x, sample = case()
    gts = sample.gt_instances
    seen = []
    for i in range(2):  # what each mask head is given
        keep_cams(head.mask_head[i], seen)
    losses = losses_of(head, x, sample)
    assert {f's{i}.loss_{name}' for i in range(2) for name in ('loc', 'crf')} <= set(
        losses
    )
    for i, cams in enumerate(seen):
        feats = head.bbox_roi_extractor[i](x, bbox2roi([gts.bboxes]))
        expected = head.bbox_head[i].cams(feats, gts.labels)
        torch.testing.assert_close(cams, expected)
    assert not torch.allclose(seen[0], seen[1])
    losses['s1.loss_loc'].backward()
    assert head.mask_head[1].conv_logits.weight.grad.any()
    assert head.mask_head[0].conv_logits.weight.grad is None
    assert head.bbox_head[1].fc_cls.weight.grad is None  # maps are labels
    assert x[0].grad.any()


def test_the_guard_watches_every_stage(caplog):
    head = build()
    x, sample = case()
    torch.manual_seed(2)
    plain = losses_of(head, x, sample)
    hook = HOOKS.build(dict(type='MaskGuardHook', patience=2))
    logger = logging.getLogger('guard')
    runner = SimpleNamespace(model=head, iter=1, logger=logger)
    hook.before_train(runner)
    torch.manual_seed(2)
    watched = losses_of(head, x, sample)
    for key, value in plain.items():
        assert str(value) == str(watched[key])
    assert set(watched) - set(plain) == {'s0.mask_area', 's1.mask_area'}
    for areas in ((1.0, 0.5), (0.99, 0.98), (1.0, 0.97)):  # the mean counts
        outputs = {f's{i}.mask_area': torch.tensor(v) for i, v in enumerate(areas)}
        hook.after_train_iter(runner, 1, outputs=outputs)
    assert [record.getMessage()[:36] for record in caplog.records] == [
        'The masks have collapsed (filled box'
    ]
    hook.after_train(runner)
    assert losses_of(head, x, sample).keys() == plain.keys()


def detections():
    return InstanceData(
        bboxes=torch.tensor([[8.0, 8, 40, 40], [20, 30, 60, 56]]),
        labels=torch.tensor([0, 1]),
        scores=torch.ones(2),
    )


@pytest.mark.parametrize(('biases', 'full'), [((3.0, -2.5), True), ((1.0, -2), False)])
def test_masks_are_the_mean_of_the_stages(biases, full):
    head = build().eval()
    for mask_head, bias in zip(head.mask_head, biases):
        torch.nn.init.constant_(mask_head.conv_logits.weight, 0)
        torch.nn.init.constant_(mask_head.conv_logits.bias, bias)
    x, sample = case()
    with torch.no_grad():
        (res,) = head.predict_mask(x, [sample.metainfo], [detections()], rescale=True)
    mean = torch.tensor(biases).sigmoid().mean()
    torch.testing.assert_close(res.mask_probs, mean.expand(2, 28, 28))
    inside = res.masks[0, 10:38, 10:38].all() and res.masks[1, 32:54, 22:58].all()
    assert inside if full else not res.masks.any()


def test_an_image_without_detections():
    head = build().eval()
    x, sample = case()
    (res,) = head.predict_mask(x, [sample.metainfo], [detections()[:0]], rescale=True)
    assert res.masks.shape == (0, SIZE, SIZE) and res.bboxes.shape == (0, 4)

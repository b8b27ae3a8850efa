# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmcv.ops import roi_align
from mmdet.registry import MODELS
from mmengine.structures import InstanceData

from mmwsmots.models.losses import HardTripletLoss

STRIDES = (4, 8)


def build_head(strides=STRIDES, **kwargs):
    torch.manual_seed(0)
    cfg = dict(
        type='HardTripletEmbedHead',
        roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=2),
            out_channels=6,
            featmap_strides=list(strides),
            finest_scale=10,  # boxes of 8 to 32 pixels lie on both levels
        ),
        in_channels=6,
        fc_out_channels=7,
        embed_dims=3,
    )
    head = MODELS.build(dict(cfg, **kwargs))
    head.init_weights()
    return head


def feature_levels(num_images=2, requires_grad=False):
    generator = torch.Generator().manual_seed(1)
    # One level more than the extractor reads, as an FPN has.
    sizes = [(64 // stride, 96 // stride) for stride in (*STRIDES, 16)]
    levels = [torch.randn(num_images, 6, *size, generator=generator) for size in sizes]
    return tuple(level.requires_grad_(requires_grad) for level in levels)


def mask_samples(counts=(4, 3)):
    generator = torch.Generator().manual_seed(2)
    samples = []
    for num in counts:
        corner = torch.rand(num, 2, generator=generator) * 30
        size = 8 + torch.rand(num, 2, generator=generator) * 24
        samples.append(
            InstanceData(
                priors=torch.cat([corner, corner + size], 1),
                labels=torch.arange(num) % 2,
                instances_ids=torch.arange(num),
                mask_probs=torch.rand(num, 28, 28, generator=generator),
            )
        )
    return samples


def rois_of(samples):
    return torch.cat(
        [
            torch.cat([torch.full((len(s), 1), float(i)), s.priors], 1)
            for i, s in enumerate(samples)
        ]
    )


def test_predict_by_hand():
    """RoIAlign, mean under the mask, two layers, the label's slice: by loops."""
    head = build_head(strides=(4,))
    x, samples = feature_levels(), mask_samples()
    rois = rois_of(samples)
    masks = torch.cat([s.mask_probs for s in samples])
    labels = torch.cat([s.labels for s in samples])
    embeds = head.predict(x, rois, masks, labels)
    assert embeds.shape == (7, 3)

    roi_feats = roi_align(x[0], rois, 14, 1 / 4, 2, 'avg', True)
    for n in range(7):
        weights = masks[n].reshape(14, 2, 14, 2).mean((1, 3))
        pooled = (roi_feats[n] * weights).sum((1, 2)) / weights.sum()
        hidden = (head.fcs[0].weight @ pooled + head.fcs[0].bias).clamp(min=0)
        outputs = head.fc_embed.weight @ hidden + head.fc_embed.bias
        start = 3 * int(labels[n])
        torch.testing.assert_close(embeds[n], outputs[start : start + 3])


def test_loss_is_that_of_the_embeddings():
    head = build_head(loss_triplet=dict(type='HardTripletLoss', margin=0.7))
    x, samples = feature_levels(), mask_samples()
    losses = head.loss(x, samples)
    labels = torch.cat([s.labels for s in samples])
    ids = torch.cat([s.instances_ids for s in samples])
    masks = torch.cat([s.mask_probs for s in samples])
    embeds = head.predict(x, rois_of(samples), masks, labels)
    assert list(losses) == ['loss_triplet'] and losses['loss_triplet'] > 0
    torch.testing.assert_close(
        losses['loss_triplet'], HardTripletLoss(0.7)(embeds, ids, labels)
    )


def test_class_agnostic():
    head = build_head(
        class_agnostic=True, loss_triplet=dict(type='HardTripletLoss', margin=0.7)
    )
    x, samples = feature_levels(), mask_samples()
    labels = torch.cat([s.labels for s in samples])
    ids = torch.cat([s.instances_ids for s in samples])
    masks = torch.cat([s.mask_probs for s in samples])
    embeds = head.predict(x, rois_of(samples), masks, labels)
    assert head.fc_embed.out_features == 3
    flipped = head.predict(x, rois_of(samples), masks, 1 - labels)
    torch.testing.assert_close(embeds, flipped)
    loss = head.loss(x, samples)['loss_triplet']
    torch.testing.assert_close(loss, HardTripletLoss(0.7)(embeds, ids))
    assert loss != HardTripletLoss(0.7)(embeds, ids, labels)


@pytest.mark.parametrize('detach_mask', [False, True])
def test_gradient_into_masks_and_features(detach_mask):
    head = build_head(detach_mask=detach_mask)
    x, samples = feature_levels(requires_grad=True), mask_samples()
    masks = [s.mask_probs.requires_grad_() for s in samples]
    head.loss(x, samples)['loss_triplet'].backward()
    into_masks = [mask.grad is not None and mask.grad.abs().sum() > 0 for mask in masks]
    assert into_masks == [not detach_mask] * 2
    assert all(level.grad.abs().sum() > 0 for level in x[:2])
    assert all(p.grad is not None for p in head.parameters())


def test_detached_mask_has_the_same_value():
    x, samples = feature_levels(), mask_samples()
    kept, cut = (build_head(detach_mask=d).loss(x, samples) for d in (False, True))
    assert kept['loss_triplet'] == cut['loss_triplet']


@pytest.mark.parametrize('strides', [(4,), STRIDES])
def test_all_parameters_take_part_without_rois(strides):
    head = build_head(strides=strides)
    loss = head.loss(feature_levels(), mask_samples((0, 0)))['loss_triplet']
    assert loss.item() == 0
    loss.backward()
    assert len(list(head.parameters())) == 4
    for parameter in head.parameters():
        assert parameter.grad is not None and (parameter.grad == 0).all()


def test_images_without_objects_do_not_change_the_loss():
    head, x = build_head(), feature_levels(3)
    some = mask_samples((4, 3))
    empty = mask_samples((0,))
    without = head.loss(tuple(level[[0, 2]] for level in x), some)
    between = head.loss(x, [some[0], *empty, some[1]])
    torch.testing.assert_close(between, without)


def test_autocast():
    head, x, samples = build_head(), feature_levels(), mask_samples()
    expected = head.loss(x, samples)['loss_triplet']
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = head.loss(x, samples)['loss_triplet']
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=0.05, atol=0.01)
    loss.backward()
    assert all(p.grad.isfinite().all() for p in head.parameters())

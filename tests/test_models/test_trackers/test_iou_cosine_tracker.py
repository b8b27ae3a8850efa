# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmwsmots.models.trackers import IoUCosineMatcher, IoUCosineTracker
from mmwsmots.models.trackers.iou_cosine_tracker import crop_masks

EXTRACTOR = dict(
    type='SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1),
    out_channels=32,
    featmap_strides=[4],
)


def frame(bboxes, frame_id, scale=(1.0, 1.0), **fields) -> DetDataSample:
    sample = DetDataSample(metainfo=dict(frame_id=frame_id, scale_factor=scale))
    num = len(bboxes)
    sample.pred_instances = InstanceData(
        bboxes=bboxes,
        labels=torch.zeros(num, dtype=torch.long),
        scores=torch.ones(num),
        **fields,
    )
    return sample


def random_boxes(num=6):
    corners = torch.rand(num, 2) * 60
    return torch.cat([corners, corners + 20 + torch.rand(num, 2) * 10], dim=1)


def qdtrack_model():
    torch.manual_seed(0)
    head = dict(
        type='QuasiDenseTrackHead',
        roi_extractor=EXTRACTOR,
        embed_head=dict(
            type='QuasiDenseEmbedHead',
            num_convs=1,
            num_fcs=1,
            in_channels=32,
            conv_out_channels=32,
            fc_out_channels=16,
            embed_channels=8,
            norm_cfg=dict(type='GN', num_groups=8),
            loss_track=dict(type='MultiPosCrossEntropyLoss'),
            loss_track_aux=dict(type='MarginL2Loss'),
        ),
    )
    return SimpleNamespace(track_head=MODELS.build(head).eval())


def test_without_embeddings_overlap_decides():
    torch.manual_seed(0)
    ours, plain = IoUCosineTracker(), IoUCosineMatcher()
    bboxes = random_boxes()
    for t in range(4):
        bboxes = bboxes[torch.randperm(len(bboxes))] + torch.randn(6, 4)
        sample = frame(bboxes, t)
        results = ours.track(model=object(), feats=None, data_sample=sample)
        expected = plain.match(bboxes, torch.zeros(6), torch.ones(6, 1), t)
        assert torch.equal(results.instances_id, expected)
        assert torch.equal(results.bboxes, bboxes) and 'embeds' not in results
        assert 'instances_id' not in sample.pred_instances
    assert len(ours.track(frame(bboxes[:0], 4))) == 0
    assert ours.last_frame_id == 4


@torch.no_grad()
def test_embeddings_are_those_of_qdtracks_head():
    model, plain, ours = qdtrack_model(), IoUCosineMatcher(), IoUCosineTracker()
    bboxes = random_boxes()
    for t in range(3):
        feats = (torch.randn(1, 32, 24, 24),)
        bboxes = bboxes + torch.randn(6, 4)
        results = ours.track(frame(bboxes, t), model, feats)
        embeds = model.track_head.predict(feats, [bboxes])
        expected = plain.match(bboxes, torch.zeros(6), embeds, t)
        assert torch.equal(results.instances_id, expected)
        assert torch.equal(ours.memory['embeds'], plain.memory['embeds'])
    assert len(plain.memory['ids']) > 6  # some looked too different for a link
    assert len(ours.track(frame(bboxes[:0], 3), model, feats)) == 0


@torch.no_grad()
def test_boxes_at_the_original_scale_are_embedded_at_the_networks():
    model, feats = qdtrack_model(), (torch.randn(1, 32, 24, 24),)
    bboxes = random_boxes()
    kept = []
    for scale, rescale in (((0.5, 2.0), True), ((1.0, 1.0), True), ((9.0, 9.0), False)):
        tracker = IoUCosineTracker()
        factor = torch.tensor(scale).repeat(2) if rescale else torch.ones(4)
        sample = frame(bboxes / factor, 0, scale)
        tracker.track(sample, model, feats, rescale=rescale)
        kept.append(tracker.memory['embeds'])
    torch.testing.assert_close(kept[0], kept[1], rtol=1e-3, atol=1e-4)
    assert torch.equal(kept[1], kept[2])


def test_embeddings_of_the_detections_come_first():
    ours, plain = IoUCosineTracker(), IoUCosineMatcher()
    bboxes, embeds = random_boxes(), torch.randn(6, 3)
    for t in range(3):
        bboxes = bboxes + torch.randn(6, 4)
        results = ours.track(frame(bboxes, t, embeds=embeds), qdtrack_model())
        expected = plain.match(bboxes, torch.zeros(6), embeds, t)
        assert torch.equal(results.instances_id, expected)
        assert torch.equal(results.embeds, embeds)


@torch.no_grad()
@pytest.mark.parametrize('adapted', [False, True])
def test_a_hard_triplet_head_pools_under_the_predicted_masks(adapted):
    torch.manual_seed(0)
    cfg = dict(
        type='HardTripletEmbedHead',
        roi_extractor={
            **EXTRACTOR,
            'roi_layer': dict(type='RoIAlign', output_size=14, sampling_ratio=1),
        },
        in_channels=32,
    )
    head = MODELS.build(cfg)
    feats = torch.zeros(1, 32, 24, 24)
    look = torch.randn(32)
    feats[:, :, 6:12, 6:12] = look[:, None, None]  # an object on nothing
    masks = torch.zeros(1, 96, 96, dtype=torch.bool)
    masks[:, 28:44, 28:44] = True
    tracker = IoUCosineTracker()
    box = torch.tensor([[16.0, 16, 80, 80]])
    track_head = head
    if adapted:
        track_head = MODELS.build(dict(type='HardTripletTrackHead', embed_head=cfg))
        track_head.load_state_dict(
            {f'embed_head.{name}': value for name, value in head.state_dict().items()}
        )
    model = SimpleNamespace(track_head=track_head)
    tracker.track(frame(box, 0, masks=masks), model, (feats,))
    # Of class 0, pooled over the object alone.
    expected = head.fc_embed(head.fcs(look))[:8]
    torch.testing.assert_close(
        tracker.memory['embeds'][0, 0], expected, rtol=0.05, atol=0.05
    )


def test_crops_of_masks_against_counting():
    torch.manual_seed(0)
    masks = torch.rand(3, 40, 50) > 0.5
    bboxes = torch.tensor([[0.0, 0, 16, 24], [10, 6, 42, 30], [30, 20, 50, 40]])
    crops = crop_masks(masks, bboxes, 4)
    for mask, bbox, crop in zip(masks, bboxes.int().tolist(), crops):
        x1, y1, x2, y2 = bbox
        height, width = (y2 - y1) // 4, (x2 - x1) // 4
        for i in range(4):
            for j in range(4):
                top, left = y1 + i * height, x1 + j * width
                cell = mask[top : top + height, left : left + width]
                assert crop[i, j] == pytest.approx(float(cell.float().mean()), abs=1e-3)
    assert crop_masks(masks[:0], bboxes[:0], 4).shape == (0, 4, 4)

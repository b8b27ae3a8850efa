# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Our tracking parts inside MMTracking's own models."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope

import mmwsmots.models

if find_spec('mmtrack') is None:
    pytest.skip('needs MMTracking: make test DEPS=mmtrack', allow_module_level=True)

from mmtrack.registry import MODELS
from mmtrack.structures import TrackDataSample

from mmwsmots.models.trackers import IoUCosineMatcher

SIZE = (96, 64)  # width, height of a frame
CHANNELS = 16
ROI_EXTRACTOR = dict(
    type='mmdet.SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
    out_channels=CHANNELS,
    featmap_strides=[4, 8, 16, 32],
)
DETECTOR = dict(
    _scope_='mmdet',
    type='MaskRCNN',
    backbone=dict(
        type='ResNet',
        depth=18,
        base_channels=8,
        norm_eval=True,
        init_cfg=None,
    ),
    neck=dict(
        type='FPN', in_channels=[8, 16, 32, 64], out_channels=CHANNELS, num_outs=5
    ),
    rpn_head=dict(
        type='RPNHead',
        in_channels=CHANNELS,
        feat_channels=CHANNELS,
        anchor_generator=dict(
            type='AnchorGenerator',
            scales=[8],
            ratios=[0.5, 1.0, 2.0],
            strides=[4, 8, 16, 32, 64],
        ),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True),
        loss_bbox=dict(type='L1Loss'),
    ),
    roi_head=dict(
        type='StandardRoIHead',
        bbox_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
            out_channels=CHANNELS,
            featmap_strides=[4, 8, 16, 32],
        ),
        bbox_head=dict(
            type='Shared2FCBBoxHead',
            in_channels=CHANNELS,
            fc_out_channels=32,
            roi_feat_size=7,
            num_classes=2,
            bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        ),
        mask_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
            out_channels=CHANNELS,
            featmap_strides=[4, 8, 16, 32],
        ),
        mask_head=dict(
            type='FCNMaskHead',
            num_convs=1,
            in_channels=CHANNELS,
            conv_out_channels=CHANNELS,
            num_classes=2,
        ),
    ),
    train_cfg=None,
    test_cfg=dict(
        rpn=dict(nms_pre=100, max_per_img=50, nms=dict(type='nms', iou_threshold=0.7)),
        rcnn=dict(
            score_thr=0.0,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=8,
            mask_thr_binary=0.5,
        ),
    ),
)
PREPROCESSOR = dict(
    type='TrackDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_size_divisor=32,
)
TRACK_HEAD = dict(
    type='HardTripletEmbedHead',
    roi_extractor=ROI_EXTRACTOR,
    in_channels=CHANNELS,
    num_classes=2,
)
TRACKER = dict(type='IoUCosineTracker', match_sim_thr=0.1, num_frames_retain=3)


@pytest.fixture(autouse=True)
def mmtrack_scope():
    """As a running config of MMTracking has it."""
    with DefaultScope.overwrite_default_scope('mmtrack'):
        yield


def build(**cfg):
    """An MMTracking model with random weights."""
    torch.manual_seed(0)
    cfg.update(detector=DETECTOR, data_preprocessor=PREPROCESSOR, tracker=TRACKER)
    return MODELS.build(ConfigDict(cfg)).eval()


def render(num_frames):
    """Two bright boxes that move by a pixel a frame, uint8 (num_frames, H, W, 3)."""
    rng = np.random.default_rng(0)
    background = rng.integers(0, 80, (*SIZE[::-1], 3), np.uint8)
    frames = np.repeat(background[None], num_frames, 0)
    for i, frame in enumerate(frames):
        frame[10:40, 5 + i : 35 + i] = (250, 80, 10)
        frame[20:60, 55 - i : 80 - i] = (20, 240, 160)
    return frames


def step(model, frame, frame_id, scale=1.0):
    """Hand a model one frame as MMTracking's pipeline does."""
    sample = TrackDataSample(
        metainfo=dict(
            frame_id=frame_id,
            img_shape=SIZE[::-1],
            ori_shape=tuple(round(side / scale) for side in SIZE[::-1]),
            scale_factor=(scale, scale),
        )
    )
    img = torch.from_numpy(frame).permute(2, 0, 1)[None]
    data = dict(inputs=dict(img=[img]), data_samples=[sample])
    with torch.no_grad():
        (result,) = model.test_step(data)
    return result.pred_det_instances, result.pred_track_instances


@pytest.mark.parametrize('cfg', [TRACK_HEAD, TRACKER])
def test_parts_are_in_mmtracking_s_registry(cfg):
    part = MODELS.build(cfg)
    assert isinstance(part, MODELS.get(cfg['type']))
    assert type(part).__module__.startswith('mmwsmots.models.')
    assert MODELS.get('HardTripletLoss') is mmwsmots.models.losses.HardTripletLoss


@pytest.mark.parametrize('scale', [1.0, 0.5])
def test_a_clip_is_tracked_by_masktrack_rcnn(scale):
    """The ids are those of IoUCosineMatcher on the detections and embeddings."""
    model = build(type='MaskTrackRCNN', track_head=TRACK_HEAD)
    alone = IoUCosineMatcher(**{k: v for k, v in TRACKER.items() if k != 'type'})
    all_embeds = []
    model.track_head.register_forward_hook(
        lambda module, args, embeds: all_embeds.append(embeds)
    )
    for frame_id, frame in enumerate(render(4)):
        detections, tracks = step(model, frame, frame_id, scale)
        assert len(detections) == 8
        expected = alone.match(
            detections.bboxes, detections.labels, all_embeds[frame_id], frame_id
        )
        assert torch.equal(tracks.instances_id, expected)
        assert torch.equal(tracks.bboxes, detections.bboxes)
        assert torch.equal(tracks.masks, detections.masks)
        if frame_id == 0:
            first = tracks.instances_id
    assert first.tolist() == list(range(8))
    # Tracks go on in the last frame: neither all are new nor was one lost.
    assert len(np.intersect1d(first, tracks.instances_id)) >= 4
    # Embeddings differ: they took part.
    assert all_embeds[0].std(dim=0).max() > 0


def test_what_stands_still_keeps_its_identity():
    model = build(type='MaskTrackRCNN', track_head=TRACK_HEAD)
    (frame,) = render(1)
    for frame_id in range(3):
        _, tracks = step(model, frame, frame_id)
        assert tracks.instances_id.tolist() == list(range(8))
    _, tracks = step(model, frame[:, ::-1].copy(), 3)
    assert len(np.setdiff1d(tracks.instances_id, range(8)))
    # frame_id 0 is a new video
    _, tracks = step(model, frame, 0)
    assert tracks.instances_id.tolist() == list(range(8))


def test_the_tracker_alone_in_deep_sort():
    """Without embeddings overlap decides."""
    model = build(type='DeepSORT')
    (frame,) = render(1)
    for frame_id in range(3):
        detections, tracks = step(model, frame, frame_id)
        assert tracks.instances_id.tolist() == list(range(8))
        assert torch.equal(tracks.bboxes, detections.bboxes)

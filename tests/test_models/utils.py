# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""A model small enough for tests, and random clips for it."""

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData

SIZE = (64, 128)


def small_config(repo, name='wsmots', **options) -> Config:
    """The model of a config of the repository, a tenth of its size."""
    cfg = Config.fromfile(repo / f'configs/_base_/models/{name}_r50_fpn.py')
    small = Config.fromfile(repo / 'configs/_base_/models/mnv2_fpn_small.py')
    cfg.merge_from_dict(dict(model=small.small_model.to_dict()))
    # One that trains, so that gradients can be looked for everywhere.
    cfg.model.detector.backbone = dict(type='MobileNetV2', out_indices=(1, 2, 4, 6))
    mask_head = cfg.model.detector.roi_head.mask_head
    mask_head.num_convs = 1
    if name == 'wsmots':
        mask_head.crf_size = 16
    cfg.merge_from_dict(options)
    return cfg


def build_model(repo, name='wsmots', **options):
    """Build :func:`small_config` with reproducible weights."""
    torch.manual_seed(0)
    return MODELS.build(small_config(repo, name, **options).model)


def random_frame(num_objects: int, frame_id: int = 0, identity: int = 0):
    """An image (3, H, W) uint8 and its annotated sample."""
    height, width = SIZE
    corners = torch.rand(num_objects, 2) * torch.tensor([width - 40.0, height - 30.0])
    sides = torch.rand(num_objects, 2) * 20 + 10
    sample = DetDataSample(
        metainfo=dict(
            img_shape=SIZE,
            ori_shape=SIZE,
            scale_factor=(1.0, 1.0),
            frame_id=frame_id,
            img_id=frame_id,
        )
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.cat([corners, corners + sides], dim=1),
        labels=torch.arange(num_objects) % 2,
        instances_ids=torch.arange(num_objects) + identity,
    )
    sample.ignored_instances = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
    )
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8), sample


def random_batch(num_objects: list[int], num_frames: int = 2, seed: int = 0) -> dict:
    """One clip per entry, with so many objects in each of its frames."""
    torch.manual_seed(seed)
    inputs, samples = [], []
    for clip, num in enumerate(num_objects):
        frames = [random_frame(num, t, 100 * clip) for t in range(num_frames)]
        track_sample = TrackDataSample()
        track_sample.video_data_samples = [sample for _, sample in frames]
        inputs.append(torch.stack([image for image, _ in frames]))
        samples.append(track_sample)
    return dict(inputs=inputs, data_samples=samples)

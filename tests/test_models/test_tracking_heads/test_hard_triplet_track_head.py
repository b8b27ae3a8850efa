# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmwsmots.models.utils.roi_grid import roi_cell_centers

SIZE = 64


def build(**options):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type='HardTripletTrackHead',
            embed_head=dict(
                type='HardTripletEmbedHead',
                roi_extractor=dict(
                    type='SingleRoIExtractor',
                    roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=1),
                    out_channels=8,
                    featmap_strides=[4],
                ),
                in_channels=8,
                **options,
            ),
        )
    )


def gt_instances(ids):
    boxes = torch.tensor([[4.0, 8, 30, 40], [30, 20, 60, 52]])[: len(ids)]
    masks = np.zeros((len(ids), SIZE, SIZE), np.uint8)
    ys, xs = np.mgrid[:SIZE, :SIZE]
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.tolist()):
        radius = ((xs - (x1 + x2) / 2) / (x2 - x1)) ** 2
        mask[radius + ((ys - (y1 + y2) / 2) / (y2 - y1)) ** 2 < 0.25] = 1
    return InstanceData(
        bboxes=boxes,
        labels=torch.zeros(len(ids), dtype=torch.long),
        instances_ids=torch.tensor(ids, dtype=torch.int32),
        masks=BitmapMasks(masks, SIZE, SIZE),
    )


def clip(key_ids, ref_ids):
    sample = TrackDataSample()
    frames = [DetDataSample(), DetDataSample()]
    for frame, ids in zip(frames, (key_ids, ref_ids)):
        frame.gt_instances = gt_instances(ids)
    sample.video_data_samples = frames
    sample.set_metainfo(dict(key_frames_inds=[0], ref_frames_inds=[1]))
    return sample


def loss_of(head, clips):
    torch.manual_seed(1)
    key, ref = torch.randn(2, len(clips), 8, 16, 16)
    key, ref = key.requires_grad_(), ref.requires_grad_()
    loss = head.loss((key,), (ref,), [], clips)['loss_triplet']
    return loss, key, ref


def test_both_frames_and_all_parameters_learn():
    head = build()
    loss, key, ref = loss_of(head, [clip([3, 5], [5, 3])])
    loss.backward()
    assert loss > 0 and loss.isfinite()
    assert key.grad.any() and ref.grad.any()
    assert all(param.grad.any() for param in head.parameters())


def test_equal_ids_of_two_clips_are_two_identities():
    head = build()
    one, *_ = loss_of(head, [clip([3], [3])])
    two, *_ = loss_of(head, [clip([3], [3]), clip([3], [3])])
    assert one == 0  # nothing to tell it from
    assert two > 0


def test_a_frame_without_objects():
    head = build()
    loss, *_ = loss_of(head, [clip([3, 5], [])])
    loss.backward()
    assert loss.isfinite()
    loss, *_ = loss_of(head, [clip([], [])])
    assert loss == 0


def test_rois_lie_around_the_boxes_and_carry_the_true_masks():
    head, gts = build(), gt_instances([3, 5])
    torch.manual_seed(0)
    samples = head._mask_samples(gts, clip=0)
    assert len(samples) == 8
    assert sorted(set(samples.instances_ids.tolist())) == [3, 5]
    masks = torch.from_numpy(gts.masks.masks)
    xs, ys = roi_cell_centers(samples.priors, 28)
    agreement = []
    for i, identity in enumerate(samples.instances_ids.tolist()):
        mask = masks[[3, 5].index(identity)]
        cols, rows = xs[i].long().clamp(0, 63), ys[i].long().clamp(0, 63)
        truth = mask[rows[:, None], cols[None]]
        agreement.append((truth == samples.mask_probs[i]).float().mean())
        assert 0.4 < samples.mask_probs[i].mean() < 0.95  # an ellipse, not a box
    assert min(agreement) > 0.93

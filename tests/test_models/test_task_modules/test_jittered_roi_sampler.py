# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmengine.structures import InstanceData

from mmwsmots.models.task_modules import JitteredRoISampler


def gts(num):
    corners = torch.rand(num, 2) * 100
    sides = torch.rand(num, 2) * 50 + 10
    return InstanceData(
        bboxes=torch.cat([corners, corners + sides], dim=1),
        labels=torch.arange(num) % 2,
    )


def test_rois_know_their_box_and_stay_within_the_jitter():
    torch.manual_seed(0)
    instances = gts(5)
    sampler = JitteredRoISampler(
        num_per_gt=40, max_per_img=500, center_jitter=0.4, scale_jitter=0.35
    )
    result = sampler.sample(instances)
    assert result.pos_priors.shape == (200, 4)
    assert torch.equal(
        result.pos_gt_labels, instances.labels[result.pos_assigned_gt_inds]
    )
    boxes = instances.bboxes[result.pos_assigned_gt_inds]
    assert torch.equal(result.pos_gt_bboxes, boxes)
    assert result.pos_assigned_gt_inds.bincount().tolist() == [40] * 5

    sides = boxes[:, 2:] - boxes[:, :2]
    shift = (result.pos_priors[:, :2] + result.pos_priors[:, 2:]) / 2
    shift = (shift - (boxes[:, :2] + boxes[:, 2:]) / 2) / sides
    ratio = ((result.pos_priors[:, 2:] - result.pos_priors[:, :2]) / sides).log()
    assert shift.abs().max() <= 0.4 + 1e-4 and shift.abs().max() > 0.35
    assert ratio.abs().max() <= 0.35 + 1e-4 and ratio.abs().max() > 0.3
    # Width and height are drawn apart.
    assert (ratio[:, 0] - ratio[:, 1]).abs().max() > 0.3


def test_limit_per_image_and_no_object():
    sampler = JitteredRoISampler(num_per_gt=4, max_per_img=10)
    assert len(sampler.sample(gts(5)).pos_priors) == 10
    empty = sampler.sample(gts(0))
    assert empty.pos_priors.shape == (0, 4) and empty.pos_gt_bboxes.shape == (0, 4)

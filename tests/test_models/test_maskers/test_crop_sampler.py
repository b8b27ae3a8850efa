# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmwsmots.models.maskers.crop_sampler import sample_crops

IMAGE = torch.zeros(1, 3, 64, 96)
# The first shares columns 32 to 40 with the second, which has twice its area, and lies
# in the third, which has 12 times its area.
BOXES = torch.tensor([[16.0, 16, 40, 40], [32, 8, 80, 32], [0, 0, 96, 64]])


@pytest.mark.parametrize('largest, columns', [(0.0, 0), (1.9, 0), (6.0, 8), (20.0, 24)])
def test_what_boxes_share_is_not_known(largest, columns):
    instances = InstanceData(
        bboxes=BOXES, masks=BitmapMasks(torch.ones(3, 64, 96).byte().numpy(), 64, 96)
    )
    torch.manual_seed(0)
    crops = sample_crops(
        IMAGE,
        [instances],
        size=96,
        context=1.6,
        with_masks=True,
        jitter=0.0,
        unknown_overlap=largest,
    )
    first = (crops.bboxes == BOXES[0]).all(dim=1).nonzero().item()
    cell = (crops.rois[first, 3:] - crops.rois[first, 1:3]).prod() / 96**2
    area = (~crops.known[first]).sum() * cell
    rows = {8: 16, 24: 24}.get(columns, 0)
    assert area == pytest.approx(columns * rows, rel=0.1)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch

from mmwsmots.models.utils.box_clipping import clip_masks, fill_uncovered

BOXES = torch.tensor(
    [[1.0, 1.0, 4.0, 3.0], [0.6, 0.4, 2.4, 2.6], [-3.0, 2.0, 2.0, 9.0]]
)


def in_box(box, x, y):
    return bool(box[0] <= x + 0.5 < box[2] and box[1] <= y + 0.5 < box[3])


def test_clipped_masks():
    clipped = clip_masks(torch.ones(3, 5, 6, dtype=torch.bool), BOXES)
    for mask, box in zip(clipped, BOXES):
        for y in range(5):
            for x in range(6):
                assert mask[y, x] == in_box(box, x, y)


def test_masks_that_miss_rows_or_columns_give_way_to_the_box():
    box = torch.tensor([[2.0, 1.0, 12.0, 11.0]])  # 10 x 10
    masks = torch.zeros(4, 14, 14, dtype=torch.bool)
    masks[0, range(1, 11), range(2, 12)] = True  # a diagonal meets everything
    masks[1, 1:8, 2:12] = True  # 7 of 10 rows
    masks[2, 1:7, 2:12] = True  # 6 of 10 rows
    masks[3, 1:11, 2:8] = True  # 6 of 10 columns
    masks[2:, 13] = True  # outside the box: no help, and gone with the mask
    filled = fill_uncovered(masks, box.expand(4, 4), 0.7)
    assert torch.equal(filled[:2], masks[:2])
    expected = torch.zeros(14, 14, dtype=torch.bool)
    expected[1:11, 2:12] = True
    assert torch.equal(filled[2], expected) and torch.equal(filled[3], expected)


def test_boxes_off_the_image_and_no_mask():
    masks = torch.zeros(3, 5, 6, dtype=torch.bool)
    filled = fill_uncovered(masks, BOXES + torch.tensor([[0.0], [0.0], [20.0]]), 0.5)
    assert torch.equal(filled[2], masks[2])
    for mask, box in zip(filled[:2], BOXES):
        assert torch.equal(mask, clip_masks(torch.ones_like(mask[None]), box[None])[0])
    assert fill_uncovered(masks[:0], BOXES[:0], 0.5).shape == (0, 5, 6)

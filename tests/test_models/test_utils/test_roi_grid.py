# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch

from mmwsmots.models.utils.roi_grid import (
    box_coverage_on_rois,
    box_masks_on_rois,
    crop_rois,
    expand_bboxes,
    pixel_edges,
    roi_cell_centers,
    soft_boxes_on_rois,
)


def test_expanded_boxes_keep_their_centres():
    boxes = torch.tensor([[10.0, 20.0, 30.0, 60.0]])
    assert expand_bboxes(boxes, 1.5).tolist() == [[5.0, 10.0, 35.0, 70.0]]


def test_edges_of_the_pixels_whose_centres_lie_in_boxes():
    boxes = torch.tensor(
        [[1.0, 1, 4, 3], [0.6, 0.4, 2.4, 2.6], [-3, 2, 2, 9], [20, 1, 26, 3]]
    )
    for (x1, y1, x2, y2), edges in zip(boxes, pixel_edges(boxes, 5, 6)):
        columns = [x for x in range(6) if x1 <= x + 0.5 < x2]
        rows = [y for y in range(5) if y1 <= y + 0.5 < y2]
        assert list(range(edges[0], edges[2])) == columns
        assert list(range(edges[1], edges[3])) == rows


def test_cell_centres_and_box_indicator():
    rois = torch.tensor([[0.0, 0.0, 8.0, 4.0]])
    xs, ys = roi_cell_centers(rois, 4)
    assert xs.tolist() == [[1.0, 3.0, 5.0, 7.0]]
    assert ys.tolist() == [[0.5, 1.5, 2.5, 3.5]]
    # Left and top edges count, right and bottom edges do not.
    mask = box_masks_on_rois(torch.tensor([[3.0, 0.5, 7.0, 2.5]]), rois, 4)
    assert mask[0].nonzero().tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]


def test_crops_average_the_pixels_of_a_cell():
    image = torch.arange(64.0).view(1, 1, 8, 8)
    crop = crop_rois(image, torch.tensor([[0.0, 0.0, 0.0, 8.0, 8.0]]), 4)
    expected = torch.nn.functional.avg_pool2d(image, 2)
    torch.testing.assert_close(crop, expected)


def test_coverage_of_cells_by_boxes():
    rois = torch.tensor([[0.0, 0.0, 8.0, 4.0]])  # cells of 2 x 1 pixels
    cover = box_coverage_on_rois(torch.tensor([[3.0, 0.5, 7.0, 2.5]]), rois, 4)[0]
    expected = torch.tensor([0.5, 1, 0.5, 0])[:, None] * torch.tensor([0, 0.5, 1, 0.5])
    torch.testing.assert_close(cover, expected)
    # The area is that of the box.
    torch.testing.assert_close(cover.sum() * 2, torch.tensor(8.0))


def test_prompts_show_the_box_and_the_others():
    boxes = torch.tensor([[0.0, 0, 4, 4], [4.0, 0, 8, 8], [100.0, 0, 108, 8]])
    rois = torch.tensor([[4.0, 0, 12, 8], [0.0, 0, 8, 8]])
    prompts = soft_boxes_on_rois(boxes, rois, 8, rows=torch.tensor([1, 0]))
    assert prompts[0, 0].nonzero().amax(dim=0).tolist() == [7, 3]
    assert prompts[0, 1].sum() == 0  # box 0 only touches that RoI
    assert prompts[1, 0].sum() == 16
    assert prompts[1, 1].sum() == 32


def test_crops_of_images_with_any_strides():
    image = torch.rand(1, 20, 30, 3) * 255  # as OpenCV has it
    rois = torch.tensor([[0.0, 2.5, 3.0, 22.0, 17.0], [0.0, -4.0, 1.0, 9.0, 30.0]])
    strided = image.permute(0, 3, 1, 2)
    expected = crop_rois(strided.contiguous(), rois, 8)
    assert torch.equal(crop_rois(strided, rois, 8), expected)
    assert torch.equal(crop_rois(strided, rois.T.contiguous().T, 8), expected)

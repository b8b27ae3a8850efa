# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmcv.ops import roi_align
from mmdet.utils import InstanceList
from torch import Tensor


def expand_bboxes(
    bboxes: Tensor, factor: float | Tensor, shift: float | Tensor = 0.0
) -> Tensor:
    """Scale boxes about their centres, and shift them.

    Args:
        bboxes (Tensor): Shape (N, 4), xyxy in pixels.
        factor (float | Tensor): New sides over old ones, one, (N, 1) or (N, 2).
        shift (float | Tensor): Of the centres over the old sides, one or (N, 2).

    Returns:
        Tensor: Shape (N, 4); the boxes may reach outside the image.
    """
    sides = bboxes[:, 2:] - bboxes[:, :2]
    centers = (bboxes[:, :2] + bboxes[:, 2:]) / 2 + shift * sides
    halves = sides * (factor / 2)
    return torch.cat([centers - halves, centers + halves], dim=1)


def pixel_edges(bboxes: Tensor, height: int, width: int) -> list[list[int]]:
    """First and past-the-last column and row whose pixel centres lie in boxes.

    Args:
        bboxes (Tensor): Shape (N, 4), xyxy in pixels.
        height (int): Of the image.
        width (int): Of the image.

    Returns:
        list[list[int]]: x1, y1, x2, y2 of each box within the image.
    """
    # The pixel centres from x1 - 0.5 (included) to x2 - 0.5 (excluded).
    edges = (bboxes - 0.5).ceil().clamp(min=0).long()
    edges[:, 0::2].clamp_(max=width)
    edges[:, 1::2].clamp_(max=height)
    return edges.tolist()


def roi_cell_centers(rois: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Image coordinates of the cell centres of a size x size grid on each RoI (P, 4).

    Returns:
        tuple[Tensor, Tensor]: x of the columns and y of the rows, each (P, size).
    """
    steps = (torch.arange(size, device=rois.device, dtype=rois.dtype) + 0.5) / size
    xs = rois[:, 0:1] + steps * (rois[:, 2:3] - rois[:, 0:1])
    ys = rois[:, 1:2] + steps * (rois[:, 3:4] - rois[:, 1:2])
    return xs, ys


def box_masks_on_rois(bboxes: Tensor, rois: Tensor, size: int) -> Tensor:
    """Indicator of boxes on the cells of RoIs, row by row.

    A cell lies in a box when its centre does (left and top edge included).

    Args:
        bboxes (Tensor): Shape (P, 4) or (P, G, 4), xyxy in pixels: one box, or several,
            for each RoI.
        rois (Tensor): Shape (P, 4), xyxy in pixels.
        size (int): Cells per side of the RoI grid.

    Returns:
        Tensor: Bool, shape (P, size, size) or (P, G, size, size).
    """
    xs, ys = roi_cell_centers(rois, size)
    if bboxes.dim() == 3:
        xs, ys = xs[:, None], ys[:, None]
    in_x = (xs >= bboxes[..., 0:1]) & (xs < bboxes[..., 2:3])
    in_y = (ys >= bboxes[..., 1:2]) & (ys < bboxes[..., 3:4])
    return in_y[..., :, None] & in_x[..., None, :]


def box_coverage_on_rois(bboxes: Tensor, rois: Tensor, size: int) -> Tensor:
    """As :func:`box_masks_on_rois`, the share of each cell that boxes cover."""
    steps = torch.arange(size, device=rois.device, dtype=rois.dtype)
    if bboxes.dim() == 3:
        rois = rois[:, None]
    cell = ((rois[..., 2:] - rois[..., :2]) / size).clamp(min=1e-6)
    low = (bboxes[..., :2] - rois[..., :2]) / cell
    high = (bboxes[..., 2:] - rois[..., :2]) / cell
    shares = [
        (
            torch.minimum(high[..., k, None], steps + 1)
            - torch.maximum(low[..., k, None], steps)
        ).clamp(0, 1)
        for k in (0, 1)
    ]
    return shares[1][..., :, None] * shares[0][..., None, :]


def soft_boxes_on_rois(
    bboxes: Tensor, rois: Tensor, size: int, rows: Tensor | None = None
) -> Tensor:
    """Where the box of an RoI is, and where the other boxes of the image are.

    Args:
        bboxes (Tensor): All boxes of the image, shape (n, 4), xyxy in pixels.
        rois (Tensor): Shape (P, 4), xyxy in pixels.
        size (int): Cells per side of the RoI grid.
        rows (Tensor, optional): The box of each RoI, (P, ); None takes RoI p for that
            of box p.

    Returns:
        Tensor: Shape (P, 2, size, size), in [0, 1]: coverage by the RoI's own box, and
        the largest coverage by another box.
    """
    rows = torch.arange(len(rois), device=rois.device) if rows is None else rows
    prompts = rois.new_zeros(len(rois), 2, size, size)
    prompts[:, 0] = box_coverage_on_rois(bboxes[rows], rois, size)
    for p, row in enumerate(rows.tolist()):
        x1, y1, x2, y2 = rois[p].tolist()
        meets = (bboxes[:, 0] < x2) & (bboxes[:, 2] > x1)
        meets &= (bboxes[:, 1] < y2) & (bboxes[:, 3] > y1)
        meets[row] = False
        if meets.any():
            others = bboxes[meets]
            roi = rois[p].expand(len(others), 4)
            prompts[p, 1] = box_coverage_on_rois(others, roi, size).amax(dim=0)
    return prompts


def sample_window(
    values: Tensor,
    roi: Tensor,
    window: tuple[int, int, int, int],
    padding_mode: str = 'zeros',
) -> Tensor:
    """Values on a RoI's grid at the pixel centres of a window, bilinear.

    Args:
        values (Tensor): Shape (h, w).
        roi (Tensor): Shape (4, ), xyxy in pixels.
        window (tuple[int, int, int, int]): First column and row, past the last ones.
        padding_mode (str): Of :func:`torch.nn.functional.grid_sample`.

    Returns:
        Tensor: Shape (y2 - y1, x2 - x1).
    """
    x1, y1, x2, y2 = window
    xs = torch.arange(x1, x2, device=values.device, dtype=values.dtype) + 0.5
    ys = torch.arange(y1, y2, device=values.device, dtype=values.dtype) + 0.5
    xs = 2 * (xs - roi[0]) / (roi[2] - roi[0]) - 1
    ys = 2 * (ys - roi[1]) / (roi[3] - roi[1]) - 1
    grid = torch.stack(torch.meshgrid(xs, ys, indexing='xy'), dim=-1)
    return F.grid_sample(
        values[None, None], grid[None], padding_mode=padding_mode, align_corners=False
    )[0, 0]


def crop_rois(images: Tensor, rois: Tensor, size: int) -> Tensor:
    """Resample RoIs of images to squares; the aspect ratio is not kept.

    Args:
        images (Tensor): Shape (N, C, H, W).
        rois (Tensor): Shape (P, 5): image index, x1, y1, x2, y2 in pixels.
        size (int): Side of a crop.

    Returns:
        Tensor: Float crops, shape (P, C, size, size), averaged over the pixels of a
        cell where the RoI is larger than the crop; 0 outside the image.
    """
    # mmcv reads memory as if tensors were contiguous, whatever their strides.
    images, rois = images.float().contiguous(), rois.float().contiguous()
    return roi_align(images, rois, (size, size), 1.0, 0, 'avg', True)


def stack_rgb(batch_gt_instances: InstanceList) -> Tensor:
    """The images of a batch, RGB in 0..255, shape (B, 3, H, W)."""
    images = [gts.get('rgb') for gts in batch_gt_instances]
    if any(image is None for image in images):
        raise KeyError(
            "gt_instances has no 'rgb': use RGBDetDataPreprocessor or "
            'RGBTrackDataPreprocessor as data_preprocessor'
        )
    return torch.stack(images)

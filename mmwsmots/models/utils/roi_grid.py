# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmcv.ops import roi_align
from mmdet.utils import InstanceList
from torch import Tensor


def expand_bboxes(
    bboxes: Tensor, factor: float | Tensor, shift: float | Tensor = 0.0
) -> Tensor:
    """Scale boxes (N, 4), xyxy in pixels, about their centres, and shift them.

    ``factor`` is new sides over old ones, one or (N, 1); ``shift`` that of the centres
    over the old sides, one or (N, 2).
    """
    sides = bboxes[:, 2:] - bboxes[:, :2]
    centers = (bboxes[:, :2] + bboxes[:, 2:]) / 2 + shift * sides
    halves = sides * (factor / 2)
    return torch.cat([centers - halves, centers + halves], dim=1)


def pixel_edges(bboxes: Tensor, height: int, width: int) -> list[list[int]]:
    """Whole boxes xyxy of the pixels of an image whose centres lie in boxes (N, 4)."""
    edges = (bboxes - 0.5).ceil().clamp(min=0).long()
    return edges.minimum(edges.new_tensor([width, height] * 2)).tolist()


def roi_cell_centers(rois: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """X of the columns and y of the rows of grids on RoIs (P, 4), each (P, size)."""
    steps = (torch.arange(size, device=rois.device, dtype=rois.dtype) + 0.5) / size
    xs = rois[:, 0:1] + steps * (rois[:, 2:3] - rois[:, 0:1])
    ys = rois[:, 1:2] + steps * (rois[:, 3:4] - rois[:, 1:2])
    return xs, ys


def box_masks_on_rois(bboxes: Tensor, rois: Tensor, size: int) -> Tensor:
    """Whether the centres of RoIs' cells lie in boxes (left and top edge included).

    RoIs are (P, 4), xyxy in pixels, with one box (P, 4) or several (P, G, 4) for each.
    The result is bool, (P, size, size) or (P, G, size, size).
    """
    xs, ys = roi_cell_centers(rois, size)
    if bboxes.dim() == 3:
        xs, ys = xs[:, None], ys[:, None]
    in_x = (xs >= bboxes[..., 0:1]) & (xs < bboxes[..., 2:3])
    in_y = (ys >= bboxes[..., 1:2]) & (ys < bboxes[..., 3:4])
    return in_y[..., :, None] & in_x[..., None, :]


def box_coverage_on_rois(bboxes: Tensor, rois: Tensor, size: int) -> Tensor:
    """Shares (P, size, size) of RoIs' cells that boxes cover, both (P, 4) or (1, 4)."""
    steps = torch.arange(size, device=rois.device, dtype=rois.dtype)
    cell = ((rois[..., 2:] - rois[..., :2]) / size).clamp(min=1e-6)
    low = (bboxes[..., :2] - rois[..., :2]) / cell
    high = (bboxes[..., 2:] - rois[..., :2]) / cell
    low, high = low[..., None], high[..., None]
    shares = torch.minimum(high, steps + 1) - torch.maximum(low, steps)
    columns, rows = shares.clamp(0, 1).unbind(dim=-2)
    return rows[..., :, None] * columns[..., None, :]


def soft_boxes_on_rois(
    bboxes: Tensor,
    rois: Tensor,
    size: int,
    rows: Tensor | None = None,
    others: Tensor | None = None,
) -> Tensor:
    """Coverage of RoIs' cells by their boxes, and most by another: (P, 2, size, size).

    ``bboxes`` are all (n, 4) of the image, ``rois`` (P, 4), xyxy in pixels; ``rows`` is
    the box of each RoI, by default the p-th; ``others``, bool (P, n), who else counts.
    """
    numbers = torch.arange(len(rois), device=rois.device)
    rows = numbers if rows is None else rows
    prompts = rois.new_zeros(len(rois), 2, size, size)
    prompts[:, 0] = box_coverage_on_rois(bboxes[rows], rois, size)
    meets = (bboxes[:, :2] < rois[:, None, 2:]).all(dim=2)
    meets &= (bboxes[:, 2:] > rois[:, None, :2]).all(dim=2)
    meets[numbers, rows] = False
    if others is not None:
        meets &= others
    for p in meets.any(dim=1).nonzero()[:, 0].tolist():
        covers = box_coverage_on_rois(bboxes[meets[p]], rois[p : p + 1], size)
        prompts[p, 1] = covers.amax(dim=0)
    return prompts


def sample_window(
    values: Tensor,
    roi: Tensor,
    window: tuple[int, int, int, int],
    padding_mode: str = 'zeros',
) -> Tensor:
    """Values (h, w) on a RoI's grid at the pixel centres of a window, bilinear.

    ``roi`` (4, ) and ``window`` are xyxy in pixels. The result is (y2 - y1, x2 - x1).
    """
    x1, y1, x2, y2 = window
    xs, ys = (
        2 * (torch.arange(start, end).to(values) + 0.5 - low) / (high - low) - 1
        for start, end, low, high in ((x1, x2, *roi[0::2]), (y1, y2, *roi[1::2]))
    )
    grid = torch.stack(torch.meshgrid(xs, ys, indexing='xy'), dim=-1)
    return F.grid_sample(
        values[None, None], grid[None], padding_mode=padding_mode, align_corners=False
    )[0, 0]


def crop_rois(images: Tensor, rois: Tensor, size: int) -> Tensor:
    """Resample RoIs of images (N, C, H, W) to squares; the aspect ratio is not kept.

    RoIs (P, 5) are image index, x1, y1, x2, y2 in pixels. The crops (P, C, size, size)
    are float32, averaged over the pixels of a cell, and 0 outside the image.
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

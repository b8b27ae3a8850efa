# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from typing import NamedTuple

import torch
from mmdet.structures.bbox import BaseBoxes
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor

from ..utils.crop_augment import jittered_rois
from ..utils.roi_grid import box_coverage_on_rois, crop_rois, soft_boxes_on_rois

MIN_SIDE = 8.0  # pixels


class Crops(NamedTuple):
    """Crops of one step, N of them.

    Attributes:
        images (Tensor): Normalised crops, shape (N, 3, S, S).
        rois (Tensor): Shape (N, 5): image index, x1, y1, x2, y2 in pixels.
        bboxes (Tensor): Their boxes, shape (N, 4), xyxy in pixels of the images.
        prompts (Tensor | None): See :func:`soft_boxes_on_rois`, shape (N, 2, S, S).
        masks (Tensor | None): Coverage of the cells by the masks, shape (N, S, S).
        known (Tensor | None): Whether masks are to be learned there, bool, (N, S, S).
        weights (Tensor): Of the masks, shape (N, ).
    """

    images: Tensor
    rois: Tensor
    bboxes: Tensor
    prompts: Tensor | None
    masks: Tensor | None
    known: Tensor | None
    weights: Tensor


def sample_crops(
    batch_inputs: Tensor,
    batch_gt_instances: InstanceList,
    size: int,
    context: float,
    with_masks: bool = False,
    with_prompts: bool = False,
    num_crops: int = 16,
    jitter: float = 0.2,
    min_area: float = 250.0,
    score_power: float = 4.0,
    unknown_overlap: float = 0.0,
) -> Crops:
    """Cut crops around random boxes of a batch.

    Args:
        batch_inputs (Tensor): Normalised images, shape (B, 3, H, W).
        batch_gt_instances (list[:obj:`InstanceData`]): With ``bboxes`` (n, 4), and with
            ``masks`` and, if there are weights, ``mask_scores`` (n, ).
        size (int): Side of a crop, S.
        context (float): Side of an RoI over the side of its box.
        with_masks (bool): Whether to crop masks.
        with_prompts (bool): Whether to make prompts.
        num_crops (int): How many at most.
        jitter (float): See :func:`jittered_rois`.
        min_area (float): Smallest area of a box in pixels.
        score_power (float): A mask's weight is its score to this power; the scores of
            :func:`mask_confidences` crowd near 1.
        unknown_overlap (float): What a box shares with another one of at most so many
            times its area is not known: masks made of boxes often give it to the wrong
            object, and a network that learns from them does the same.

    Returns:
        Crops: Empty if there is no box of that size.
    """
    bboxes = [
        _tensor(instances.bboxes, batch_inputs) for instances in batch_gt_instances
    ]
    choices = _choose(bboxes, num_crops, min_area)
    parts = []
    for index, rows in enumerate(choices):
        if len(rows) == 0:
            continue
        rois = jittered_rois(bboxes[index][rows], context, jitter)
        prompts = None
        if with_prompts:
            prompts = soft_boxes_on_rois(bboxes[index], rois, size, rows)
        masks, scores = _masks(batch_gt_instances[index], rows, rois, size, with_masks)
        known = None
        if with_masks:
            known = ~_overlaps(bboxes[index], rows, rois, size, unknown_overlap)
        weights = scores**score_power
        indexed = torch.cat([rois.new_full((len(rois), 1), index), rois], dim=1)
        parts.append((indexed, bboxes[index][rows], prompts, masks, known, weights))
    if not parts:
        empty = batch_inputs.new_zeros
        images, rois, boxes = empty(0, 3, size, size), empty(0, 5), empty(0, 4)
        return Crops(images, rois, boxes, None, None, None, empty(0))
    rois, chosen, prompts, masks, known, weights = (
        None if part[0] is None else torch.cat(part) for part in zip(*parts)
    )
    images = crop_rois(batch_inputs, rois, size)
    return Crops(images, rois, chosen, prompts, masks, known, weights)


def _tensor(bboxes: Tensor | BaseBoxes, like: Tensor) -> Tensor:
    return (bboxes.tensor if isinstance(bboxes, BaseBoxes) else bboxes).to(like)


def _choose(bboxes: list[Tensor], num_crops: int, min_area: float) -> list[Tensor]:
    """Rows of each image; all images' boxes are alike."""
    flat = []
    for index, boxes in enumerate(bboxes):
        sides = boxes[:, 2:] - boxes[:, :2]
        good = (sides.amin(dim=1) >= MIN_SIDE) & (sides.prod(dim=1) >= min_area)
        flat += [(index, row) for row in good.nonzero()[:, 0].tolist()]
    order = torch.randperm(len(flat))[:num_crops].tolist()
    rows = [[] for _ in bboxes]
    for k in order:
        index, row = flat[k]
        rows[index].append(row)
    return [boxes.new_tensor(r, dtype=torch.long) for boxes, r in zip(bboxes, rows)]


def _overlaps(
    bboxes: Tensor, rows: Tensor, rois: Tensor, size: int, largest: float
) -> Tensor:
    """Cells, (N, S, S), bool, that a box shares with others.

    They are those of at most ``largest`` times its area.
    """
    areas = (bboxes[:, 2:] - bboxes[:, :2]).prod(dim=1)
    shared = rois.new_zeros((len(rois), size, size), dtype=torch.bool)
    for n, row in enumerate(rows.tolist()):
        others = areas <= largest * areas[row]
        others &= (bboxes[:, :2] < bboxes[row, 2:]).all(dim=1)
        others &= (bboxes[:, 2:] > bboxes[row, :2]).all(dim=1)
        others[row] = False
        own = box_coverage_on_rois(bboxes[row : row + 1], rois[n : n + 1], size)[0]
        for box in bboxes[others]:
            cover = box_coverage_on_rois(box[None], rois[n : n + 1], size)[0]
            shared[n] |= (cover > 0.5) & (own > 0.5)
    return shared


def _masks(
    instances: InstanceData, rows: Tensor, rois: Tensor, size: int, with_masks: bool
) -> tuple[Tensor | None, Tensor]:
    """Masks (N, S, S) on the RoIs, and their scores (N, )."""
    if not with_masks:
        return None, rois.new_ones(len(rows))
    if 'masks' not in instances:
        raise ValueError(
            'BoxMasker with loss_mask or loss_dice needs masks: load them with '
            "LoadAnnotations(with_mask=True), or train on boxes with its first stage's "
            'config'
        )
    masks = instances.masks[rows.cpu().numpy()].to_tensor(rois.dtype, rois.device)
    index = torch.arange(len(rois), device=rois.device)[:, None].to(rois)
    cropped = crop_rois(masks[:, None], torch.cat([index, rois], dim=1), size)[:, 0]
    if 'mask_scores' in instances:
        return cropped, instances.mask_scores[rows].to(rois)
    return cropped, rois.new_ones(len(rows))

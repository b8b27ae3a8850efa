# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from typing import NamedTuple

import torch
from mmdet.structures.bbox import get_box_tensor
from mmdet.utils import InstanceList
from torch import Tensor

from ..utils.crop_augment import jittered_rois
from ..utils.roi_grid import crop_rois, soft_boxes_on_rois

MIN_SIDE, MIN_AREA = 8.0, 250.0  # of a box, in pixels


class Crops(NamedTuple):
    """N crops."""

    images: Tensor  # normalised, (N, 3, S, S)
    rois: Tensor  # (N, 5): image index, x1, y1, x2, y2 in pixels
    bboxes: Tensor  # (N, 4), xyxy in pixels of the images
    prompts: Tensor | None  # soft_boxes_on_rois, (N, 2, S, S)
    masks: Tensor | None  # coverage of the cells, (N, S, S)
    known: Tensor | None  # whether masks are to be learned there, bool, (N, S, S)
    weights: Tensor  # of the masks, (N, )


def sample_crops(
    batch_inputs: Tensor,
    batch_gt_instances: InstanceList,
    size: int,
    context: float,
    with_masks: bool = False,
    with_prompts: bool = False,
    num_crops: int = 16,
    jitter: float = 0.2,
    score_power: float = 4.0,
    unknown_overlap: float = 0.0,
) -> Crops | None:
    """Cut crops around random boxes of a batch; None if no box is large enough.

    Args:
        batch_inputs (Tensor): Normalised images, shape (B, 3, H, W).
        batch_gt_instances (list[:obj:`InstanceData`]): With ``bboxes`` (n, 4) and, with
            masks, ``masks`` or a ValueError, and may have ``mask_scores`` (n, ).
        size, num_crops (int): Side of a crop, S, and how many at most.
        context, jitter (float): See :func:`jittered_rois`.
        score_power (float): A mask's weight is its score to this power.
        unknown_overlap (float): What a box shares with another one of at most so many
            times its area is not known: masks made of boxes often divide it wrongly.
    """
    bboxes = [get_box_tensor(gts.bboxes).to(batch_inputs) for gts in batch_gt_instances]
    parts = []
    for index, rows in enumerate(_choose(bboxes, num_crops)):
        if len(rows) == 0:
            continue
        boxes = bboxes[index]
        rois = jittered_rois(boxes[rows], context, jitter)
        prompts = masks = known = None
        weights = rois.new_ones(len(rows))
        if with_prompts:
            prompts = soft_boxes_on_rois(boxes, rois, size, rows)
        if with_masks:
            gts = batch_gt_instances[index]
            if 'masks' not in gts:
                raise ValueError(
                    'BoxMasker with loss_mask or loss_dice needs masks: load them with '
                    'LoadAnnotations(with_mask=True), or train on boxes with its first '
                    "stage's config"
                )
            masks = gts.masks[rows.cpu().numpy()].to_tensor(rois.dtype, rois.device)
            numbers = torch.arange(len(rois)).to(rois)[:, None]
            masks = crop_rois(masks[:, None], torch.cat([numbers, rois], 1), size)[:, 0]
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
            others = areas <= unknown_overlap * areas[rows, None]
            covers = soft_boxes_on_rois(boxes, rois, size, rows, others)
            known = ~(covers > 0.5).all(dim=1)
            if 'mask_scores' in gts:
                weights = gts.mask_scores[rows].to(rois) ** score_power
        indexed = torch.cat([rois.new_full((len(rois), 1), index), rois], dim=1)
        parts.append((indexed, boxes[rows], prompts, masks, known, weights))
    if not parts:
        return None
    rois, *others = (
        None if part[0] is None else torch.cat(part) for part in zip(*parts)
    )
    return Crops(crop_rois(batch_inputs, rois, size), rois, *others)


def _choose(bboxes: list[Tensor], num_crops: int) -> list[Tensor]:
    """Rows of each image; all images' boxes are alike."""
    flat = []
    for index, boxes in enumerate(bboxes):
        sides = boxes[:, 2:] - boxes[:, :2]
        good = (sides.amin(dim=1) >= MIN_SIDE) & (sides.prod(dim=1) >= MIN_AREA)
        flat += [(index, row) for row in good.nonzero()[:, 0].tolist()]
    rows = [[] for _ in bboxes]
    for k in torch.randperm(len(flat))[:num_crops].tolist():
        index, row = flat[k]
        rows[index].append(row)
    return [boxes.new_tensor(r, dtype=torch.long) for boxes, r in zip(bboxes, rows)]

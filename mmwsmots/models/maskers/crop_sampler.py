# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmdet.structures.bbox import bbox2roi, get_box_tensor
from mmdet.utils import InstanceList
from torch import Tensor

from ..utils.crop_augment import jittered_rois
from ..utils.roi_grid import box_coverage_on_rois, crop_rois, soft_boxes_on_rois

MIN_SIDE, MIN_AREA = 8.0, 250.0  # of a box, in pixels
MIN_VISIBLE = 0.35  # of an object that stays an object to be found


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
            masks = crop_rois(masks[:, None], bbox2roi(rois[:, None]), size)[:, 0]
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
            others = areas <= unknown_overlap * areas[rows, None]
            covers = soft_boxes_on_rois(boxes, rois, size, rows, others)
            known = ~(covers > 0.5).all(dim=1)
            if 'mask_scores' in gts:
                weights = gts.mask_scores[rows].to(rois) ** score_power
        indexed = F.pad(rois, (1, 0), value=index)
        parts.append((indexed, boxes[rows], prompts, masks, known, weights))
    if not parts:
        return None
    rois, *others = (None if p[0] is None else torch.cat(p) for p in zip(*parts))
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


def paste_occluders(
    rgb_crops: Tensor, crops: Crops, prob: float
) -> tuple[Tensor, Crops]:
    """Paste the objects of other crops, cut by their masks, over or under some objects.

    The pasted object's box joins the prompt, its cells become known. Of colours (N, 3,
    S, S), crops with masks, and the probability that something is pasted to an object,
    gives new colours and crops.
    """
    num, size = len(rgb_crops), rgb_crops.shape[-1]
    chosen = torch.rand(num) < prob
    donors = torch.randperm(num).tolist()
    boxes = _boxes_on_crops(crops)  # centres and half sides in [-1, 1]
    rgb, masks, known = rgb_crops.clone(), crops.masks.clone(), crops.known.clone()
    prompts = None if crops.prompts is None else crops.prompts.clone()
    for n in chosen.nonzero()[:, 0].tolist():
        m = donors[n]
        if m == n:
            continue
        scale, center = _place(boxes[n], boxes[m])
        flip = scale.new_tensor([1.0 - 2.0 * (torch.rand(()) < 0.5), 1.0])
        factor = flip / scale  # from this crop to the donor's
        shift = boxes[m][:2] - center * factor
        theta = torch.cat([factor.diag(), shift[:, None]], dim=1)
        grid = F.affine_grid(theta[None], (1, 1, size, size), align_corners=False)
        donor = crops.masks[m][None, None]
        cut = F.grid_sample(donor, grid, align_corners=False)[0, 0]
        alpha, mask = _opacity(cut), crops.masks[n]
        if torch.rand(()) < 0.5:  # behind
            whole = alpha
            visible = alpha = alpha * (1 - _opacity(mask))
        else:
            whole = mask
            visible = mask = mask * (1 - alpha)
        if visible.sum() < MIN_VISIBLE * whole.sum():
            continue
        pasted = F.grid_sample(
            rgb_crops[m][None], grid, padding_mode='border', align_corners=False
        )[0]
        rgb[n] = rgb_crops[n] * (1 - alpha) + pasted * alpha
        masks[n] = mask
        known[n] |= alpha > 0.5
        if prompts is not None:
            half = boxes[m][2:] * scale
            box = (torch.cat([center - half, center + half]) + 1) * (size / 2)
            frame = box.new_tensor([0, 0, size, size])
            cover = box_coverage_on_rois(box[None], frame[None], size)[0]
            prompts[n, 1] = torch.maximum(prompts[n, 1], cover)
    return rgb, crops._replace(masks=masks, known=known, prompts=prompts)


def _opacity(masks: Tensor) -> Tensor:
    """Of objects that masks cut out: sharper than the masks' edges."""
    return ((masks - 0.3) / 0.4).clamp(0, 1)


def _boxes_on_crops(crops: Crops) -> Tensor:
    """Boxes on their crops, centre x, y and half sides, in [-1, 1]: (N, 4)."""
    low, side = crops.rois[:, 1:3], crops.rois[:, 3:] - crops.rois[:, 1:3]
    first, last = (2 * (crops.bboxes[:, k : k + 2] - low) / side - 1 for k in (0, 2))
    return torch.cat([(first + last) / 2, (last - first) / 2], dim=1)


def _place(box: Tensor, donor: Tensor) -> tuple[Tensor, Tensor]:
    """Scale of the donor's crop, (2, ), and where the centre of its box goes, (2, )."""
    noise = torch.rand(5, device=box.device)
    stretch = (0.4 * noise[0] - 0.2).exp()
    scale = (1.2 * noise[1] - 0.9).exp() * torch.stack([stretch, 1 / stretch])
    angle = 2 * torch.pi * noise[2]
    direction = torch.stack([angle.cos(), angle.sin()])
    reach = box[2:] + donor[2:] * scale
    return scale, box[:2] + direction * reach * (0.4 + 0.7 * noise[3:])

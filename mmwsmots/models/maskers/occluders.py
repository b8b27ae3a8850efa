# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.roi_grid import box_coverage_on_rois
from .crop_sampler import Crops

MIN_VISIBLE = 0.35  # of an object that stays an object to be found


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

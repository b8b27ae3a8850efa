# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from torch import Tensor

from .roi_grid import pixel_edges, sample_window

STRIP = 0.1  # of a box's side


def mask_confidences(
    masks: Tensor, mask_probs: Tensor, rois: Tensor, bboxes: Tensor
) -> Tensor:
    r"""How far the soft masks of known boxes support the masks made of them.

    With p the soft mask at the pixels of the box that no other mask took, M those of
    the mask and R the rest,

    .. math::
        c = \sqrt{\frac{\sum_M p}{|M| + \sum_R p} \cdot
        \frac{1}{4} \sum_{\text{sides}} \max_{\text{strip}} p} .

    The first factor is the expected IoU with a truth drawn pixel by pixel from p. The
    second asks for the object at the four sides of its box, in strips a tenth of the
    box wide, unless others cover it.

    ``masks`` are bool (N, H, W) and disjoint, ``mask_probs`` (N, h, w) on the grids of
    ``rois``, which are (N, 4), xyxy in pixels of ``masks``, as ``bboxes``. The result
    (N, ) is in [0, 1]; 0 for an empty mask.
    """
    confidences = mask_probs.new_zeros(len(masks))
    taken = masks.any(dim=0)
    for n, (x1, y1, x2, y2) in enumerate(pixel_edges(bboxes, *taken.shape)):
        mask = masks[n, y1:y2, x1:x2]
        if not mask.any():
            continue
        probs = sample_window(mask_probs[n], rois[n], (x1, y1, x2, y2))
        free = mask | ~taken[y1:y2, x1:x2]
        probs = probs * free
        inside = probs[mask].sum()
        iou = inside / (mask.sum() + probs.sum() - inside)
        height, width = mask.shape
        rows, columns = max(round(height * STRIP), 1), max(round(width * STRIP), 1)
        sides = [
            p[strip][is_free[strip]].max()
            for p, is_free, k in ((probs, free, rows), (probs.T, free.T, columns))
            for strip in (slice(k), slice(-k, None))
            if is_free[strip].any()
        ]
        if sides:
            confidences[n] = (iou * torch.stack(sides).mean()).sqrt()
    return confidences

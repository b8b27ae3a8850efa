# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math

import torch
from torch import Tensor

from .roi_grid import pixel_edges, sample_window

AREA_WEIGHT = 2.0


def paste_disjoint(
    logits: Tensor, rois: Tensor, bboxes: Tensor, size: tuple[int, int]
) -> Tensor:
    r"""Disjoint masks of an image of ``size`` (height, width), each within its box.

    Logits (N, h, w) on the grids of RoIs are resampled at the pixel centres of boxes;
    ``rois`` and ``bboxes`` are (N, 4), xyxy in pixels. A pixel that several objects
    claim goes to the largest :math:`l - 2 \log A`, with the logit l, above 0, and the
    area A of the object's box: a small object whose box lies in that of a large one is
    in front of it more often than behind. Ties go to the first. The result is bool.
    """
    best = logits.new_full(size, -torch.inf)
    owner = torch.full(size, -1, dtype=torch.int32, device=logits.device)
    for n, (x1, y1, x2, y2) in enumerate(pixel_edges(bboxes, *size)):
        if x1 >= x2 or y1 >= y2:
            continue
        pasted = sample_window(logits[n], rois[n], (x1, y1, x2, y2), 'border')
        place = slice(y1, y2), slice(x1, x2)
        claims = pasted - AREA_WEIGHT * math.log(pasted.numel())
        wins = (pasted > 0) & (claims > best[place])
        best[place][wins] = claims[wins]
        owner[place][wins] = n
    return owner == torch.arange(len(logits), device=logits.device)[:, None, None]

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""From logits on RoIs to masks of an image, each within its box."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .roi_grid import pixel_edges, sample_window

AREA_WEIGHT = 2.0


class Window(NamedTuple):
    """Logits (h, w) of one object at the pixels of its box, from column x1, row y1."""

    x1: int
    y1: int
    logits: Tensor


def paste_logits(
    logits: Tensor, rois: Tensor, bboxes: Tensor, height: int, width: int
) -> list[Window]:
    """Resample logits (N, s, s) on the grids of RoIs at the pixel centres of boxes.

    ``rois`` and ``bboxes`` are (N, 4), xyxy in pixels. The windows lie within the image
    and may be empty.
    """
    windows = []
    for n, (x1, y1, x2, y2) in enumerate(pixel_edges(bboxes, height, width)):
        x2, y2 = max(x2, x1), max(y2, y1)
        pasted = sample_window(logits[n], rois[n], (x1, y1, x2, y2), 'border')
        windows.append(Window(x1, y1, pasted))
    return windows


def compete(windows: list[Window], size: tuple[int, int]) -> Tensor:
    r"""Disjoint masks of the objects of an image of ``size`` (height, width).

    A pixel that several objects claim goes to the largest :math:`l - 2 \log A`, with
    the logit l and the area A of the object's box: a small object whose box lies in
    that of a large one is in front of it more often than behind. Ties go to the first.

    Returns:
        Tensor: Bool, shape (N, height, width).
    """
    device = windows[0].logits.device if windows else None
    best = torch.full(size, -torch.inf, device=device)
    owner = torch.full(size, -1, dtype=torch.int32, device=device)
    for n, (x1, y1, logits) in enumerate(windows):
        place = slice(y1, y1 + logits.shape[0]), slice(x1, x1 + logits.shape[1])
        claims = logits - AREA_WEIGHT * math.log(max(logits.numel(), 1))
        wins = (logits > 0) & (claims > best[place])
        best[place][wins] = claims[wins]
        owner[place][wins] = n
    return owner == torch.arange(len(windows), device=device)[:, None, None]

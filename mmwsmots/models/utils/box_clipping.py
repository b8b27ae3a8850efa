# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Masks at full size and the boxes that they belong to."""

import torch
from torch import Tensor


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


def clip_masks(masks: Tensor, bboxes: Tensor) -> Tensor:
    """Masks (N, H, W), bool, without what lies outside their boxes (N, 4) in pixels."""
    clipped = torch.zeros_like(masks)
    edges = pixel_edges(bboxes, *masks.shape[-2:])
    for mask, source, (x1, y1, x2, y2) in zip(clipped, masks, edges):
        mask[y1:y2, x1:x2] = source[y1:y2, x1:x2]
    return clipped


def fill_uncovered(masks: Tensor, bboxes: Tensor, min_coverage: float) -> Tensor:
    """Give up masks that miss too much of their boxes: fill these boxes instead.

    A tight box has a part of its object in every row and column. A mask that meets few
    of them has lost the object, and the filled box is the better guess.

    Args:
        masks (Tensor): Bool, shape (N, H, W).
        bboxes (Tensor): Shape (N, 4), xyxy in pixels.
        min_coverage (float): Smallest share of the box's rows, and of its columns, that
            a mask has to meet inside the box, in [0, 1].
    """
    filled = masks.clone()
    edges = pixel_edges(bboxes, *masks.shape[-2:])
    for mask, (x1, y1, x2, y2) in zip(filled, edges):
        inside = mask[y1:y2, x1:x2]
        if inside.numel() == 0:
            continue
        shares = [inside.any(dim=dim).float().mean() for dim in (0, 1)]
        if min(shares) < min_coverage:
            mask.zero_()
            mask[y1:y2, x1:x2] = True
    return filled

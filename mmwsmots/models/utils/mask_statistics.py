# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What tells from outside whether masks learned from boxes have collapsed."""

from torch import Tensor

RIM = 0.125  # of a box's side


def foreground_ratio(mask_values: Tensor, box_masks: Tensor) -> Tensor:
    """Mean over masks of the mask's area inside its box over the box's area.

    Args:
        mask_values (Tensor): Masks in [0, 1], soft or thresholded, (N, H, W).
        box_masks (Tensor): Bool indicator of the boxes, shape (N, H, W).

    Returns:
        Tensor: Scalar, 1 for filled boxes; nan if no box meets its grid.
    """
    areas = box_masks.sum(dim=(1, 2))
    inside = (mask_values * box_masks).sum(dim=(1, 2))
    return (inside / areas)[areas > 0].mean()


def label_shares(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of positive (1) and of void (< 0) cells of labels; nan without any."""
    return (labels == 1).float().mean(), (labels < 0).float().mean()


def cam_rim_precision(cams: Tensor, threshold: float) -> Tensor:
    """Share of the heat maps' positive cells that lie off the rims of their boxes.

    The rim of a tight box is mostly background, so a map that follows the object has
    few positive cells there. A map that says nothing, positive everywhere, has the
    core's share of the box: 0.5625 for a rim of an eighth.

    Args:
        cams (Tensor): Normalised maps on the grids of their boxes, (N, h, w).
        threshold (float): What makes a cell positive.

    Returns:
        Tensor: Scalar, over all positive cells of all maps; nan without any.
    """
    positive = cams >= threshold
    height, width = (round(side * RIM) for side in cams.shape[1:])
    core = positive[:, height : cams.shape[1] - height, width : cams.shape[2] - width]
    return core.sum() / positive.sum()


def known_statistics(statistics: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without nan: what a batch, say one without objects, says nothing about."""
    return {name: value for name, value in statistics.items() if not value.isnan()}

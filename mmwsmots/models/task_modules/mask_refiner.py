# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import torch
from mmdet.registry import TASK_UTILS
from mmdet.utils import OptConfigType
from scipy.ndimage import binary_fill_holes
from torch import Tensor

from ..utils.mean_field import refine_logits
from ..utils.roi_grid import box_masks_on_rois

FILLED = 0.1  # logit of a filled cell: another object's claim on it is stronger


@TASK_UTILS.register_module()
class MaskRefiner:
    """Refine predicted masks by the image and by what a tight box says of its object.

    As ``test_cfg.rcnn.mask_refiner`` it is used by :class:`MOTSMaskHead` and its
    subclasses. Any other network that predicts masks on the grids of RoIs calls
    :meth:`refine_logits`, then :meth:`shift_logits`. Without options it does nothing.

    Args:
        mean_field (dict, optional): Masks follow the image: ``size`` and options of
            :func:`mmwsmots.models.utils.mean_field.refine_logits`.
        max_empty_share (float, optional): A mask reaches the sides of its box, see
            :func:`tight_thresholds`. With ``mean_field`` also what that starts from.
        fill_holes (bool): Whether the holes of a mask are filled.
    """

    def __init__(
        self,
        mean_field: OptConfigType = None,
        max_empty_share: float | None = None,
        fill_holes: bool = False,
    ) -> None:
        self.mean_field = mean_field
        self.max_empty_share = max_empty_share
        self.fill_holes = fill_holes

    def refine_logits(
        self, logits: Tensor, rois: Tensor, bboxes: Tensor, images: Tensor | None = None
    ) -> Tensor:
        """Let the image place the edges of soft masks, if there is a ``mean_field``.

        The arguments and the result are those of
        :func:`mmwsmots.models.utils.mean_field.refine_logits`.

        Raises:
            KeyError: If ``mean_field`` has no images.
        """
        if self.mean_field is None:
            return logits
        if images is None:
            raise KeyError(
                "mask_refiner.mean_field needs the image's 'rgb': use "
                'RGBDetDataPreprocessor or RGBTrackDataPreprocessor'
            )
        # Start from masks that reach the sides of their boxes.
        logits = self._shift(logits, rois, bboxes)
        return refine_logits(logits, rois, bboxes, images, **self.mean_field)

    def shift_logits(
        self, logits: Tensor, rois: Tensor, bboxes: Tensor, mask_thr: float = 0.5
    ) -> Tensor:
        """Move each mask's threshold to ``mask_thr``; fill holes."""
        logits = self._shift(logits, rois, bboxes, mask_thr)
        return fill_holes(logits, mask_thr) if self.fill_holes else logits

    def _shift(
        self, logits: Tensor, rois: Tensor, bboxes: Tensor, mask_thr: float = 0.5
    ) -> Tensor:
        if self.max_empty_share is None:
            return logits
        boxes = box_masks_on_rois(bboxes, rois[:, 1:], logits.shape[-1])
        low = tight_thresholds(logits.sigmoid(), boxes, self.max_empty_share, mask_thr)
        shifts = low.new_tensor(mask_thr).logit() - low.logit()
        return logits + shifts.view(-1, 1, 1)


def fill_holes(logits: Tensor, mask_thr: float = 0.5) -> Tensor:
    """Set holes of masks, logits (N, h, w), just above the probability ``mask_thr``.

    A hole is background that does not reach the side of the grid. Those of a mask that
    follows the colours of an image are mostly windows, wheels and prints on clothes.
    """
    threshold = logits.new_tensor(mask_thr).logit()
    masks = (logits > threshold).cpu().numpy()
    # Cells touch at their sides: one layer in a stack of planes does not join masks.
    structure = np.zeros((3, 3, 3), dtype=bool)
    structure[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    filled = binary_fill_holes(np.pad(masks, ((0, 0), (1, 1), (1, 1))), structure)
    holes = torch.from_numpy(filled[:, 1:-1, 1:-1] & ~masks).to(logits.device)
    return torch.where(holes, threshold + FILLED, logits)


def tight_thresholds(
    mask_probs: Tensor,
    box_masks: Tensor,
    max_empty_share: float,
    mask_thr: float = 0.5,
    floor: float = 0.02,
) -> Tensor:
    """Thresholds at which masks reach the sides of their tight boxes.

    A tight box has a part of its object in every row and column. The threshold of a
    mask is the highest, from ``floor`` to ``mask_thr``, at which no more than the given
    share, in [0, 1], of the rows, or of the columns, of the box stays empty.

    Of soft masks in [0, 1] and the bool indicator of boxes, both (N, H, W); the result
    is (N, ).
    """
    thresholds = mask_probs.new_full((len(mask_probs),), mask_thr)
    inside = mask_probs.masked_fill(~box_masks, -1.0)
    for dim in (1, 2):
        in_box = box_masks.any(dim=dim)
        nums = in_box.sum(dim=1)
        peaks = inside.amax(dim=dim).masked_fill(~in_box, float('inf'))
        may_be_empty = (nums * max_empty_share + 1e-4).long().clamp(max=nums - 1)
        reach = peaks.sort(dim=1).values.gather(1, may_be_empty.clamp(min=0)[:, None])
        thresholds = torch.minimum(thresholds, reach[:, 0])
    return thresholds.clamp(min=floor)

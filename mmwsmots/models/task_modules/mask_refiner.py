# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import TASK_UTILS
from mmdet.utils import OptConfigType
from torch import Tensor

from ..utils.fill_holes import fill_holes
from ..utils.mean_field import refine_logits
from ..utils.roi_grid import box_masks_on_rois
from ..utils.tight_thresholds import tight_thresholds


@TASK_UTILS.register_module()
class MaskRefiner:
    """Refine predicted masks by the image and by what a tight box says of its object.

    As ``test_cfg.rcnn.mask_refiner`` it is used by :class:`MOTSMaskHead` and its
    subclasses, in the RoI heads of this package and of mmdet. Any other network that
    predicts masks on the grids of RoIs calls :meth:`refine_logits`, then
    :meth:`shift_logits`. Without an option nothing is changed.

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
        """Let the image place the edges of soft masks.

        Args:
            logits (Tensor): Foreground logits on the grids of the RoIs, (N, h, w).
            rois (Tensor): Shape (N, 5): image index, x1, y1, x2, y2 in pixels.
            bboxes (Tensor): Boxes of the objects, shape (N, 4), xyxy in pixels.
            images (Tensor, optional): RGB in 0..255, shape (B, 3, H, W).

        Returns:
            Tensor: Logits (N, size, size), with ``mean_field``; else as given.

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
        """Move each mask's threshold to that at which all are cut; fill holes.

        The other arguments are those of :meth:`refine_logits`.

        Returns:
            Tensor: Logits (N, h, w).
        """
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

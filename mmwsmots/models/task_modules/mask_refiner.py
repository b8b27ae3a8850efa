# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import TASK_UTILS
from mmdet.utils import OptConfigType
from torch import Tensor

from ..utils.box_clipping import clip_masks, fill_uncovered
from ..utils.fill_holes import fill_holes
from ..utils.mean_field import refine_logits
from ..utils.pseudo_labels import check_per_class, thresholds_of
from ..utils.roi_grid import box_masks_on_rois
from ..utils.tight_thresholds import tight_thresholds


@TASK_UTILS.register_module()
class MaskRefiner:
    """Refine predicted masks by the image and by what a tight box says of its object.

    As ``test_cfg.rcnn.mask_refiner`` it is used by :class:`MOTSMaskHead` and its
    subclasses, in the RoI heads of this package and of mmdet. Any other network that
    predicts masks on the grids of RoIs calls the methods in this order:
    :meth:`refine_logits`, :meth:`shift_logits`, and, on masks of the image's size,
    :meth:`refine_masks`. Without an option nothing is changed.

    Args:
        mean_field (dict, optional): Masks follow the image: ``size`` and options of
            :func:`mmwsmots.models.utils.mean_field.refine_logits`.
        max_empty_share (float | list[float], optional): A mask reaches the sides of its
            box, see :func:`tight_thresholds`; one for all classes or one per class.
            With ``mean_field`` also what that starts from.
        fill_holes (bool): Whether the holes of a mask are filled.
        clip_masks (bool): Whether a mask ends at its box.
        min_coverage (float, optional): A mask that misses more of its box's rows or
            columns gives way to the filled box, see :func:`fill_uncovered`.
        num_classes (int, optional): To check ``max_empty_share``.

    Raises:
        ValueError: If ``max_empty_share`` has not a value for every class.
    """

    def __init__(
        self,
        mean_field: OptConfigType = None,
        max_empty_share: float | list[float] | None = None,
        fill_holes: bool = False,
        clip_masks: bool = False,
        min_coverage: float | None = None,
        num_classes: int | None = None,
    ) -> None:
        if num_classes is not None:
            check_per_class('max_empty_share', max_empty_share, num_classes)
        self.mean_field = mean_field
        self.max_empty_share = max_empty_share
        self.fill_holes = fill_holes
        self.clip_masks = clip_masks
        self.min_coverage = min_coverage

    def refine_logits(
        self,
        logits: Tensor,
        rois: Tensor,
        bboxes: Tensor,
        images: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> Tensor:
        """Let the image place the edges of soft masks.

        Args:
            logits (Tensor): Foreground logits on the grids of the RoIs, (N, h, w).
            rois (Tensor): Shape (N, 5): image index, x1, y1, x2, y2 in pixels.
            bboxes (Tensor): Boxes of the objects, shape (N, 4), xyxy in pixels.
            images (Tensor, optional): RGB in 0..255, shape (B, 3, H, W).
            labels (Tensor, optional): Classes (N, ), for a ``max_empty_share`` per
                class.

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
        logits = self._shift(logits, rois, bboxes, labels)
        return refine_logits(logits, rois, bboxes, images, **self.mean_field)

    def shift_logits(
        self,
        logits: Tensor,
        rois: Tensor,
        bboxes: Tensor,
        labels: Tensor | None = None,
        mask_thr: float = 0.5,
    ) -> Tensor:
        """Move each mask's threshold to that at which all are cut; fill holes.

        The other arguments are those of :meth:`refine_logits`.

        Returns:
            Tensor: Logits (N, h, w).
        """
        logits = self._shift(logits, rois, bboxes, labels, mask_thr)
        return fill_holes(logits, mask_thr) if self.fill_holes else logits

    def _shift(
        self,
        logits: Tensor,
        rois: Tensor,
        bboxes: Tensor,
        labels: Tensor | None = None,
        mask_thr: float = 0.5,
    ) -> Tensor:
        if self.max_empty_share is None:
            return logits
        boxes = box_masks_on_rois(bboxes, rois[:, 1:], logits.shape[-1])
        shares = thresholds_of(self.max_empty_share, labels)
        low = tight_thresholds(logits.sigmoid(), boxes, shares, mask_thr)
        shifts = low.new_tensor(mask_thr).logit() - low.logit()
        return logits + shifts.view(-1, 1, 1)

    def refine_masks(self, masks: Tensor, bboxes: Tensor) -> Tensor:
        """Cut masks (N, H, W) at their boxes (N, 4), and fill boxes of lost ones."""
        if self.clip_masks:
            masks = clip_masks(masks, bboxes)
        if self.min_coverage is not None:
            masks = fill_uncovered(masks, bboxes, self.min_coverage)
        return masks

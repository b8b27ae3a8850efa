# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import TASK_UTILS
from mmdet.utils import OptConfigType
from scipy.ndimage import binary_fill_holes, generate_binary_structure
from torch import Tensor

from mmwsmots.ops import PreparedFilter

from ..utils.color import color_evidence
from ..utils.roi_grid import box_masks_on_rois, crop_rois

# Of the affinities. Errors of the messages and of the sums below them partly cancel.
TOLERANCE = 0.12
FILLED = 0.1  # logit of a filled cell: another object's claim on it is stronger


@TASK_UTILS.register_module()
class MaskRefiner:
    """Refine predicted masks by the image and by what a tight box says of its object.

    A network calls :meth:`refine_logits`, then :meth:`shift_logits`. By default it does
    nothing.

    Args:
        mean_field (dict, optional): Masks follow the image: ``size`` and options of
            :func:`refine_logits`.
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
        """:func:`refine_logits`, if there is a ``mean_field``; it needs images."""
        if self.mean_field is None:
            return logits
        if images is None:
            raise KeyError(
                "mask_refiner.mean_field needs the image's 'rgb': use "
                'RGBDetDataPreprocessor or RGBTrackDataPreprocessor'
            )
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

    Those of a mask that follows colours are mostly windows, wheels, prints on clothes.
    """
    threshold = logits.new_tensor(mask_thr).logit()
    masks = (logits > threshold).cpu().numpy()
    # Cells touch at their sides: one layer in a stack of planes does not join masks.
    structure = generate_binary_structure(2, 1)[None]
    holes = torch.from_numpy(binary_fill_holes(masks, structure) & ~masks)
    return torch.where(holes.to(logits.device), threshold + FILLED, logits)


def tight_thresholds(
    mask_probs: Tensor,
    box_masks: Tensor,
    max_empty_share: float,
    mask_thr: float = 0.5,
    floor: float = 0.02,
) -> Tensor:
    """Thresholds at which masks reach the sides of their tight boxes.

    The threshold of a mask is the highest, from ``floor`` to ``mask_thr``, at which no
    more than the given share, in [0, 1], of the rows, or of the columns, of the box
    stays empty: (N, ), of soft masks and the bool indicator of boxes, both (N, H, W).
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


@torch.no_grad()
def mean_field(
    logits: Tensor,
    rgb_crops: Tensor,
    box_masks: Tensor | None = None,
    known: Tensor | None = None,
    sigma_rgb: float = 8.0,
    sigma_xy: float = 20.0,
    weight: float = 4.0,
    num_iters: int = 5,
) -> Tensor:
    r"""Mean-field inference of a dense binary CRF (Krähenbühl and Koltun, 2011).

    With :math:`q = \mathrm{sigmoid}(l)` and the affinities W of :class:`CRFLoss`,

    .. math::
        l_i \leftarrow l_i^0 + w \sum_{j \ne i} W_{ij} (2 q_j - 1) / \sum_j W_{ij}

    Args:
        logits (Tensor): :math:`l^0`, foreground logits, shape (N, H, W), as the result,
            which is detached, float32 or above.
        rgb_crops (Tensor): RGB in 0..255 of the same cells, (N, 3, H, W).
        box_masks (Tensor, optional): Bool, (N, H, W). Cells outside have
            :math:`q_j = 0`.
        known (Tensor, optional): Bool, (N, H, W). Other cells tell their neighbours
            nothing.
        sigma_rgb, sigma_xy (float): Standard deviations in RGB units and in cells.
        weight (float): w.
        num_iters (int): Number of iterations.
    """
    logits = logits.detach()
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if len(logits) == 0 or num_iters == 0:
        return logits
    sources = torch.ones_like(logits) if known is None else known.to(logits.dtype)
    affinities = PreparedFilter(
        rgb_crops, sigma_rgb, sigma_xy, tolerance=TOLERANCE, dtype=logits.dtype
    )
    # W_ii = 1: a cell that knows itself only divides by 1 or, unknown, by eps.
    sums = affinities(sources[:, None])[:, 0].clamp(min=1e-6)
    refined = logits
    for _ in range(num_iters):
        votes = 2 * refined.sigmoid() - 1
        if box_masks is not None:
            votes = votes.masked_fill(~box_masks, -1.0)
        votes = votes * sources
        messages = affinities(votes[:, None])[:, 0]
        refined = logits + weight * (messages - votes) / sums
    return refined


def refine_logits(
    logits: Tensor,
    rois: Tensor,
    bboxes: Tensor,
    images: Tensor,
    size: int,
    color_weight: float = 0.0,
    **options,
) -> Tensor:
    """Let the image decide where the masks of RoIs end: logits (N, size, size).

    Args:
        logits (Tensor): Foreground logits on the grids of the RoIs, (N, h, w).
        rois (Tensor): Shape (N, 5): image index, x1, y1, x2, y2 in pixels.
        bboxes (Tensor): Boxes of the objects, shape (N, 4), xyxy in pixels.
        images (Tensor): RGB in 0..255, shape (B, 3, H, W).
        size (int): Side of the finer grid to work on.
        color_weight (float): Factor on :func:`color_evidence`, which joins the logits.
        **options: Of :func:`mean_field`.
    """
    logits = logits.detach().float()[:, None]
    logits = F.interpolate(logits, size=(size, size), mode='bilinear')[:, 0]
    height, width = images.shape[-2:]
    frame = rois.new_tensor([0, 0, width, height]).expand(len(rois), 4)
    crops = crop_rois(images, rois, size)
    boxes = box_masks_on_rois(bboxes, rois[:, 1:], size)
    if color_weight > 0:
        logits = logits + color_weight * color_evidence(logits, crops, boxes)
    known = box_masks_on_rois(frame, rois[:, 1:], size)
    return mean_field(logits, crops, boxes, known, **options)

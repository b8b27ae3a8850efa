# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from torch import Tensor

from mmwsmots.ops import PreparedFilter

from .color import color_evidence
from .roi_grid import box_masks_on_rois, crop_rois

# Of the affinities. Errors of the messages and of the sums below them partly cancel.
TOLERANCE = 0.12


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

    With :math:`q = \mathrm{sigmoid}(l)` and the Gaussian affinities W of
    :class:`PreparedFilter`, here normalised by rows,

    .. math::
        l_i \leftarrow l_i^0 + w \frac{\sum_{j \ne i} W_{ij} (2 q_j - 1)}
        {\sum_j W_{ij}}

    Args:
        logits (Tensor): :math:`l^0`, foreground logits, shape (N, H, W), as the result,
            which is detached, float32 or above.
        rgb_crops (Tensor): RGB in 0..255 of the same cells, (N, 3, H, W).
        box_masks (Tensor, optional): Bool indicator of the boxes, (N, H, W). Cells
            outside count as certain background, :math:`q_j = 0`.
        known (Tensor, optional): Bool, (N, H, W). Other cells, such as those outside
            the image, tell their neighbours nothing.
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
        color_weight (float): Factor on the evidence of a colour model, as in GrabCut,
            of each object and its surroundings, which joins the logits first.
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

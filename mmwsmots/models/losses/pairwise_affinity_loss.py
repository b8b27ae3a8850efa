# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn

from ..utils.color import rgb_to_lab
from ..utils.gathered_mean import gathered_mean


def _neighbours(x: Tensor, kernel_size: int, dilation: int) -> Tensor:
    """Values at the neighbours of every cell: (N, C, H, W) to (N, C, K, H, W)."""
    n, c, h, w = x.shape
    padding = dilation * (kernel_size // 2)
    unfolded = F.unfold(x, kernel_size, dilation, padding).view(n, c, -1, h, w)
    center = kernel_size**2 // 2
    return torch.cat([unfolded[:, :, :center], unfolded[:, :, center + 1 :]], dim=2)


@MODELS.register_module()
class PairwiseAffinityLoss(nn.Module):
    r"""Neighbours of like colour should have like labels (BoxInst, eq. 7).

    For every pair of neighbouring cells with colour similarity :math:`\exp(-\|lab_i -
    lab_j\| / 2) \ge \tau` of which at least one lies in the box, :math:`-\log P(y_i =
    y_j)`, the mean over such pairs.

    Args:
        kernel_size (int): Side of the neighbourhood, odd.
        dilation (int): Distance between neighbours in cells.
        color_thr (float): :math:`\tau`.
        loss_weight (float): Factor on the loss.
        gather (bool): See :func:`gathered_mean`.
    """

    def __init__(
        self,
        kernel_size: int = 3,
        dilation: int = 2,
        color_thr: float = 0.3,
        loss_weight: float = 1.0,
        gather: bool = False,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd, got {kernel_size}')
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.color_thr = color_thr
        self.loss_weight = loss_weight
        self.gather = gather

    def forward(
        self, mask_logits: Tensor, rgb_crops: Tensor, box_masks: Tensor
    ) -> Tensor:
        """Loss of foreground logits (N, H, W), of RGB in 0..255 (N, 3, H, W) and of the
        bool indicator of the boxes (N, H, W) on the same cells.

        A scalar; 0, still part of the graph, when N is 0.
        """
        if len(mask_logits) == 0:
            return gathered_mean(mask_logits.sum(), 0, self.gather)
        window = (self.kernel_size, self.dilation)
        logits = mask_logits.float()[:, None]
        log_fg, log_bg = F.logsigmoid(logits), F.logsigmoid(-logits)
        # A padded neighbour has log probability 0 here; its pair is left out below.
        log_same = torch.logaddexp(
            log_fg[:, :, None] + _neighbours(log_fg, *window),
            log_bg[:, :, None] + _neighbours(log_bg, *window),
        )[:, 0]
        with torch.no_grad():
            lab = rgb_to_lab(rgb_crops.float())
            offset = lab[:, :, None] - _neighbours(lab, *window)
            distance = offset.square().sum(dim=1).sqrt()
            inside = _neighbours(torch.ones_like(logits), *window)[:, 0] > 0
            boxes = box_masks[:, None].to(logits.dtype)
            in_box = (boxes + _neighbours(boxes, *window)[:, 0]) > 0
            pairs = (torch.exp(-0.5 * distance) >= self.color_thr) & inside & in_box
        return self.loss_weight * gathered_mean(
            -(log_same * pairs).sum(), pairs.sum(), self.gather
        )

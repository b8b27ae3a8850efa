# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from ..utils.color import rgb_to_lab
from .mean_loss import MeanLoss


@MODELS.register_module()
class PairwiseAffinityLoss(MeanLoss):
    r"""Neighbours of like colour should have like labels (BoxInst, eq. 7).

    For every pair of a cell and one of its eight neighbours with colour similarity
    :math:`\exp(-\|lab_i - lab_j\| / 2) \ge \tau` of which at least one lies in the
    box, :math:`-\log P(y_i = y_j)`, the mean over such pairs.

    Args:
        dilation (int): Distance between neighbours in cells.
        color_thr (float): :math:`\tau`.
    """

    def __init__(self, dilation: int = 2, color_thr: float = 0.3, **kwargs) -> None:
        super().__init__(**kwargs)
        self.dilation = dilation
        self.color_thr = color_thr

    def forward(
        self, mask_logits: Tensor, rgb_crops: Tensor, box_masks: Tensor
    ) -> Tensor:
        """Scalar, of foreground logits (N, H, W), RGB in 0..255 (N, 3, H, W) and the
        bool indicator of the boxes (N, H, W) on the same cells.
        """
        if len(mask_logits) == 0:
            return self.mean(mask_logits.sum(), 0)
        logits = mask_logits.float()[:, None]
        log_fg, log_bg = F.logsigmoid(logits), F.logsigmoid(-logits)
        # A padded neighbour has log probability 0 here; its pair is left out below.
        log_same = torch.logaddexp(
            log_fg[:, :, None] + self._neighbours(log_fg),
            log_bg[:, :, None] + self._neighbours(log_bg),
        )[:, 0]
        with torch.no_grad():
            lab = rgb_to_lab(rgb_crops.float())
            offset = lab[:, :, None] - self._neighbours(lab)
            distance = offset.square().sum(dim=1).sqrt()
            inside = self._neighbours(torch.ones_like(logits))[:, 0] > 0
            boxes = box_masks[:, None].to(logits.dtype)
            in_box = (boxes + self._neighbours(boxes)[:, 0]) > 0
            pairs = (torch.exp(-0.5 * distance) >= self.color_thr) & inside & in_box
        return self.mean(-(log_same * pairs).sum(), pairs.sum())

    def _neighbours(self, x: Tensor) -> Tensor:
        """Values at the neighbours of every cell: (N, C, H, W) to (N, C, 8, H, W)."""
        unfolded = F.unfold(x, 3, self.dilation, padding=self.dilation)
        unfolded = unfolded.view(*x.shape[:2], 9, *x.shape[2:])
        return torch.cat([unfolded[:, :, :4], unfolded[:, :, 5:]], dim=2)

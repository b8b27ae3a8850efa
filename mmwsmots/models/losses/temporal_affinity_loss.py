# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn

from ..utils.color import rgb_to_lab
from ..utils.gathered_mean import gathered_mean


@MODELS.register_module()
class TemporalAffinityLoss(nn.Module):
    r"""Cells that look alike in two frames of one track have like labels.

    The temporal KNN-patch loss of MaskFreeVIS (Ke et al., CVPR 2023) on crops that
    are aligned with the object's boxes: shift and scale of the object are gone, so
    a small search window is enough. A cell i of the first crop is compared with the
    cells j of the second within ``radius``; of those with colour similarity
    :math:`\exp(-d_{ij} / 2) \ge \tau`, the ``num_matches`` nearest are its matches,
    with :math:`d_{ij}` the mean Lab distance over a patch. The loss is the mean of
    :math:`-\log P(y_i = y_j)` over all matches.

    Args:
        radius (int): Of the search window in cells. Defaults to 2.
        patch_size (int): Side of a patch, odd. Defaults to 3.
        num_matches (int): At most so many matches of a cell. Defaults to 3.
        color_thr (float): :math:`\tau`. Defaults to 0.1.
        loss_weight (float): Factor on the loss. Defaults to 1.0.
        gather (bool): Whether the mean is over the matches of all processes instead of
            each process's own, see :func:`gathered_mean`. Defaults to False.
    """

    def __init__(
        self,
        radius: int = 2,
        patch_size: int = 3,
        num_matches: int = 3,
        color_thr: float = 0.1,
        loss_weight: float = 1.0,
        gather: bool = False,
    ) -> None:
        super().__init__()
        if patch_size % 2 == 0:
            raise ValueError(f'patch_size must be odd, got {patch_size}')
        if not 1 <= num_matches <= (2 * radius + 1) ** 2:
            raise ValueError(
                f'num_matches must lie in 1..{(2 * radius + 1) ** 2} for a radius of '
                f'{radius}, got {num_matches}'
            )
        self.radius = radius
        self.patch_size = patch_size
        self.num_matches = num_matches
        self.color_thr = color_thr
        self.loss_weight = loss_weight
        self.gather = gather

    def forward(
        self,
        mask_logits: tuple[Tensor, Tensor],
        rgb_crops: tuple[Tensor, Tensor],
        known: tuple[Tensor, Tensor],
    ) -> Tensor:
        """Compute the loss.

        Args:
            mask_logits (tuple[Tensor, Tensor]): Foreground logits of N objects in
                two frames, on grids aligned with their boxes, each (N, H, W).
            rgb_crops (tuple[Tensor, Tensor]): RGB in 0..255 of the same cells, each
                (N, 3, H, W).
            known (tuple[Tensor, Tensor]): Bool, cells with logits, each (N, H, W).

        Returns:
            Tensor: Scalar; 0, still part of the graph, without a match.
        """
        first, second = (logits.float() for logits in mask_logits)
        if first.shape != second.shape:
            raise ValueError(
                f'mask_logits must have one shape, got {tuple(first.shape)} and '
                f'{tuple(second.shape)}'
            )
        if len(first) == 0:
            return gathered_mean(first.sum() + second.sum(), 0, self.gather)
        with torch.no_grad():
            shifts, matched = self._match(rgb_crops, known)
        others = self._shifted(second).gather(1, shifts)
        log_same = torch.logaddexp(
            F.logsigmoid(first)[:, None] + F.logsigmoid(others),
            F.logsigmoid(-first)[:, None] + F.logsigmoid(-others),
        )
        return self.loss_weight * gathered_mean(
            -(log_same * matched).sum(), matched.sum(), self.gather
        )

    def _match(
        self, rgb_crops: tuple[Tensor, Tensor], known: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Index of the shift to each match, and whether it is one, (N, K, H, W)."""
        labs = [rgb_to_lab(crops.float()) for crops in rgb_crops]
        moved = torch.stack([self._shifted(channel) for channel in labs[1].unbind(1)])
        offsets = moved - labs[0].transpose(0, 1)[:, :, None]
        distances = offsets.square().sum(dim=0).sqrt()
        # At the border the patch is smaller. Cells beyond it have distance inf.
        inside = self._shifted(torch.ones_like(labs[1][:, 0])) > 0
        patch = (self.patch_size, 1, self.patch_size // 2)
        sums = F.avg_pool2d(distances * inside, *patch)
        distances = sums / F.avg_pool2d(inside.float(), *patch).clamp(min=1e-6)
        usable = inside & (self._shifted(known[1].float()) > 0) & known[0][:, None]
        distances = distances.masked_fill(~usable, torch.inf)
        nearest, shifts = distances.topk(self.num_matches, dim=1, largest=False)
        return shifts, torch.exp(-0.5 * nearest) >= self.color_thr

    def _shifted(self, maps: Tensor) -> Tensor:
        """Values of all cells of the search window: (N, H, W) to (N, S, H, W)."""
        n, height, width = maps.shape
        side = 2 * self.radius + 1
        windows = F.unfold(maps[:, None], side, padding=self.radius)
        return windows.view(n, side**2, height, width)

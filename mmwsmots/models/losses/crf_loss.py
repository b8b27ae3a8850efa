# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from torch import Tensor

from mmwsmots.ops import bilateral_filter

from .mean_loss import MeanLoss


class _QuadraticEnergy(torch.autograd.Function):
    """2 S'W(1 - S) and its gradient 2 W(1 - 2S) from one filtering."""

    @staticmethod
    def forward(ctx, probs, images, sigma_rgb, sigma_xy):
        # W1 and WS share the filter's work on the image.
        values = torch.stack([torch.ones_like(probs), probs], dim=1)
        filtered = bilateral_filter(values, images, sigma_rgb, sigma_xy)
        w_one, w_probs = filtered.unbind(dim=1)
        ctx.save_for_backward(2 * (w_one - 2 * w_probs))
        return 2 * (probs * (w_one - w_probs)).sum(dim=(1, 2))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_output):
        (grad,) = ctx.saved_tensors
        return grad_output[:, None, None] * grad, None, None, None


@MODELS.register_module()
class CRFLoss(MeanLoss):
    r"""Dense-CRF regularisation of masks by the image (Tang et al., ECCV 2018).

    .. math::
        L_{CRF} = \sum_k S_k^\top W (1 - S_k), \quad
        W_{ij} = \exp\left(-\frac{\|I_i - I_j\|^2}{2\sigma_{rgb}^2}
        - \frac{\|x_i - x_j\|^2}{2\sigma_{xy}^2}\right)

    with k over foreground S and background 1 - S, the mean over the masks. The default
    weight is that of Ruiz et al., the sigmas, in units of 0..255 and in pixels of the
    crop, are the authors'.
    """

    def __init__(
        self,
        sigma_rgb: float = 15.0,
        sigma_xy: float = 100.0,
        loss_weight: float = 2e-7,
        gather: bool = False,
    ) -> None:
        super().__init__(loss_weight, gather)
        self.sigma_rgb = sigma_rgb
        self.sigma_xy = sigma_xy

    def forward(self, mask_probs: Tensor, rgb_crops: Tensor) -> Tensor:
        """Scalar, of foreground probabilities (N, H, W) and RGB in 0..255 (N, 3, H, W);
        other shapes are a ValueError.
        """
        if mask_probs.shape[1:] != rgb_crops.shape[2:]:
            raise ValueError(
                f'mask_probs {tuple(mask_probs.shape)} and rgb_crops '
                f'{tuple(rgb_crops.shape)} must agree in height and width'
            )
        if len(mask_probs) == 0:
            return self.mean(mask_probs.sum(), 0)
        probs = mask_probs.to(torch.promote_types(mask_probs.dtype, torch.float32))
        images = rgb_crops.to(probs.dtype)
        energy = _QuadraticEnergy.apply(probs, images, self.sigma_rgb, self.sigma_xy)
        return self.mean(energy.sum(), len(energy))

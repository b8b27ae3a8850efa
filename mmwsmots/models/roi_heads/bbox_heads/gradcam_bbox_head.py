# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmcv.cnn import ConvModule
from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead
from mmdet.registry import MODELS
from torch import Tensor, nn

from ...utils.grad_cam import NORMS, grad_cam, normalize_cams


@MODELS.register_module()
class GradCAMBBoxHead(Shared2FCBBoxHead):
    """Box head with two 1x1 convolutions for Grad-CAM before its FC layers.

    RoIAlign 14x14 -> conv 1x1 -> conv 1x1 (activations A) -> average pool 7x7 ->
    FC -> FC -> {class, box} (Ruiz et al., fig. 2; FC sizes as in seamseg). Only
    layers that keep RoIs apart may follow A, so ``norm_cfg`` acts on nothing here.

    Args:
        roi_feat_size (int): Side of the FC layers' input. Defaults to 7.
        cam_stride (int): Side of A over ``roi_feat_size``: 2 takes features of
            14x14; 1 takes 7x7 and computes 7x7 maps. Defaults to 2.
        cam_size (int): Side of the normalised maps. Defaults to 28.
        cam_mode (str): 'abs', 'relu' or 'hires', see :func:`grad_cam`.
        cam_norm (str): 'minmax' or 'signed', see :func:`normalize_cams`. 'hires' has
            a negative side that 'signed' keeps.
        *args, **kwargs: Of :class:`mmdet.models.Shared2FCBBoxHead`.
    """

    def __init__(
        self,
        *args,
        roi_feat_size: int = 7,
        cam_stride: int = 2,
        cam_size: int = 28,
        cam_mode: str = 'abs',
        cam_norm: str = 'minmax',
        **kwargs,
    ) -> None:
        super().__init__(*args, roi_feat_size=roi_feat_size, **kwargs)
        if cam_norm not in NORMS:
            raise ValueError(f'cam_norm must be one of {NORMS}, got {cam_norm!r}')
        self.cam_size = cam_size
        self.cam_mode = cam_mode
        self.cam_norm = cam_norm
        self.cam_convs = nn.Sequential(
            *(ConvModule(self.in_channels, self.in_channels, 1) for _ in range(2))
        )
        self.cam_pool = nn.AvgPool2d(cam_stride)

    def _classify(self, activations: Tensor) -> tuple:
        """Class scores and box deltas from the activations A."""
        return super().forward(self.cam_pool(activations))

    def forward(self, x: Tensor) -> tuple:
        """Forward RoI features.

        Args:
            x (Tensor): Shape (N, C, s, s), s = roi_feat_size * cam_stride.

        Returns:
            tuple[Tensor, Tensor]: cls_score (N, num_classes + 1) and bbox_pred
            (N, 4 * num_classes).
        """
        return self._classify(self.cam_convs(x))

    @torch.enable_grad()
    def cams(self, bbox_feats: Tensor, labels: Tensor) -> Tensor:
        """Normalised Grad-CAM maps of boxes, detached and in float32.

        Works in evaluation and under ``torch.no_grad`` or autocast as well.

        Args:
            bbox_feats (Tensor): RoI features of the boxes, shape (N, C, s, s).
            labels (Tensor): Class of each box, shape (N, ), dtype long.

        Returns:
            Tensor: Shape (N, cam_size, cam_size), values in [0, 1], or in [-1, 1]
            with ``cam_norm='signed'``.
        """
        with torch.autocast(bbox_feats.device.type, enabled=False):
            activations = self.cam_convs(bbox_feats.detach().float())
            activations = activations.detach().requires_grad_()
            scores = self._classify(activations)[0]
            maps = grad_cam(activations, scores, labels, self.cam_mode)
        return normalize_cams(maps, self.cam_size, self.cam_norm).detach()

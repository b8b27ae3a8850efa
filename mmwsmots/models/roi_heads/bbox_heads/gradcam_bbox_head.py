# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.grad_cam import grad_cam, normalize_cams
from .mots_bbox_head import MOTSBBoxHead

CAM_SIZE = 28


@MODELS.register_module()
class GradCAMBBoxHead(MOTSBBoxHead):
    """:class:`MOTSBBoxHead` that gives Grad-CAM maps of true boxes.

    Args:
        cam_mode (str): 'abs' or 'relu', see :func:`grad_cam`.
        *args, **kwargs: Of :class:`MOTSBBoxHead`.
    """

    def __init__(self, *args, cam_mode: str = 'abs', **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.cam_mode = cam_mode

    @torch.enable_grad()
    def cams(self, bbox_feats: Tensor, labels: Tensor) -> Tensor:
        """Normalised Grad-CAM maps of boxes, detached and in float32.

        Works in evaluation and under ``torch.no_grad`` or autocast as well.

        Args:
            bbox_feats (Tensor): RoI features of the boxes, shape (N, C, s, s).
            labels (Tensor): Class of each box, shape (N, ), dtype long.

        Returns:
            Tensor: Shape (N, 28, 28), values in [0, 1].
        """
        with torch.autocast(bbox_feats.device.type, enabled=False):
            activations = self.cam_convs(bbox_feats.detach().float())
            activations = activations.detach().requires_grad_()
            scores = self.classify(activations)[0]
            maps = grad_cam(activations, scores, labels, self.cam_mode)
        return normalize_cams(maps, CAM_SIZE).detach()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.grad_cam import bbox_head_cams
from .mots_bbox_head import MOTSBBoxHead


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

    def cams(self, bbox_feats: Tensor, labels: Tensor) -> Tensor:
        """See :func:`bbox_head_cams`."""
        return bbox_head_cams(self, bbox_feats, labels, mode=self.cam_mode)

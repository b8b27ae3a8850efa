# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.grad_cam import NORMS, bbox_head_cams
from .mots_bbox_head import MOTSBBoxHead


@MODELS.register_module()
class GradCAMBBoxHead(MOTSBBoxHead):
    """:class:`MOTSBBoxHead` that gives Grad-CAM maps of true boxes.

    Args:
        cam_mode (str): 'abs', 'relu' or 'hires', see :func:`grad_cam`.
        cam_norm (str): 'minmax' or 'signed', see :func:`normalize_cams`. 'hires' has a
            negative side that 'signed' keeps.
        *args, **kwargs: Of :class:`MOTSBBoxHead`.
    """

    def __init__(
        self, *args, cam_mode: str = 'abs', cam_norm: str = 'minmax', **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        if cam_norm not in NORMS:
            raise ValueError(f'cam_norm must be one of {NORMS}, got {cam_norm!r}')
        self.cam_mode = cam_mode
        self.cam_norm = cam_norm

    def cams(self, bbox_feats: Tensor, labels: Tensor) -> Tensor:
        """See :func:`bbox_head_cams`."""
        return bbox_head_cams(
            self, bbox_feats, labels, mode=self.cam_mode, norm=self.cam_norm
        )

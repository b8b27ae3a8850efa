# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead
from mmdet.registry import MODELS
from torch import Tensor, nn

CAM_SIZE = 28
MODES = ('abs', 'relu')


def grad_cam(
    activations: Tensor, scores: Tensor, labels: Tensor, mode: str = 'abs'
) -> Tensor:
    r"""Grad-CAM heat maps, one per box.

    With :math:`\alpha_k = \mathrm{mean}_{ij}\, \partial y^c / \partial A_{k,ij}`
    the map is :math:`G = \sum_k |\alpha_k| A_k` (``mode='abs'``, Ruiz et al.,
    section 3.2) or :math:`G = \mathrm{ReLU}(\sum_k \alpha_k A_k)` (``mode='relu'``,
    Selvaraju et al., eq. 1 and 2), of activations A (N, C, h, w), scores y (N,
    num_classes), computed from A row by row, and classes c, long (N, ): (N, h, w).
    """
    if mode not in MODES:
        raise ValueError(f'mode must be one of {MODES}, got {mode!r}')
    if len(labels) == 0:
        return activations.new_zeros((0, *activations.shape[-2:]))
    # Boxes do not mix, so the gradient of the sum holds each box's own gradient.
    target = scores.gather(1, labels[:, None]).sum()
    (grads,) = torch.autograd.grad(target, activations)
    weights = grads.mean(dim=(2, 3), keepdim=True)
    activations = activations.detach()
    if mode == 'abs':
        return (weights.abs() * activations).sum(dim=1)
    return (weights * activations).sum(dim=1).relu()


def normalize_cams(cams: Tensor, size: int) -> Tensor:
    """Map heat maps (N, h, w) to [0, 1], constant ones to 0, (N, size, size)."""
    cams = cams - cams.amin(dim=(1, 2), keepdim=True)
    peak = cams.amax(dim=(1, 2), keepdim=True)
    cams = cams / peak.clamp(min=torch.finfo(cams.dtype).tiny)
    return F.interpolate(cams[:, None], (size, size), mode='bilinear')[:, 0]


@MODELS.register_module()
class MOTSBBoxHead(Shared2FCBBoxHead):
    """Box head with two 1x1 convolutions before its FC layers.

    RoIAlign 14x14 -> conv 1x1 -> conv 1x1 (activations A, after the ReLU) -> average
    pool 7x7 -> FC -> FC -> {class, box} (Ruiz et al., fig. 2; FC sizes as in seamseg).
    No ``norm_cfg``: only layers that keep RoIs apart may follow A.

    Args:
        cam_stride (int): Side of A over ``roi_feat_size``: 2 takes features of 14x14, 1
            of 7x7.
    """

    def __init__(self, *args, cam_stride: int = 2, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.cam_convs = nn.Sequential(
            *(ConvModule(self.in_channels, self.in_channels, 1) for _ in range(2))
        )
        self.cam_pool = nn.AvgPool2d(cam_stride)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and deltas of RoI features (N, C, s, s)."""
        return self.classify(self.cam_convs(x))

    def classify(self, activations: Tensor) -> tuple[Tensor, Tensor]:
        """Class scores and box deltas from the activations A, (N, C, s, s)."""
        return super().forward(self.cam_pool(activations))


@MODELS.register_module()
class GradCAMBBoxHead(MOTSBBoxHead):
    """:class:`MOTSBBoxHead` that gives Grad-CAM maps of true boxes.

    Args:
        cam_mode (str): 'abs' or 'relu', see :func:`grad_cam`.
    """

    def __init__(self, *args, cam_mode: str = 'abs', **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.cam_mode = cam_mode

    @torch.enable_grad()
    def cams(self, bbox_feats: Tensor, labels: Tensor) -> Tensor:
        """Normalised maps (N, 28, 28), float32, of RoI features and classes (N, )."""
        with torch.autocast(bbox_feats.device.type, enabled=False):
            activations = self.cam_convs(bbox_feats.detach().float())
            activations = activations.detach().requires_grad_()
            scores = self.classify(activations)[0]
            maps = grad_cam(activations, scores, labels, self.cam_mode)
        return normalize_cams(maps, CAM_SIZE).detach()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmcv.cnn import ConvModule
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from torch import Tensor, nn


@MODELS.register_module()
class MOTSMaskHead(FCNMaskHead):
    """FCN mask head whose detections keep their soft masks for mask pooling.

    Args:
        num_upsample_convs (int): 3x3 convolutions between the upsampling and the
            predictor. With ``upsample_cfg=dict(type='bilinear', scale_factor=2)``
            they replace the deconvolution, whose sub-pixel phases can satisfy box
            projections with a checkerboard. Defaults to 0.
        *args, **kwargs: Of :class:`mmdet.models.FCNMaskHead`.
    """

    def __init__(self, *args, num_upsample_convs: int = 0, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if num_upsample_convs > 0:
            channels = self.conv_logits.in_channels
            convs = [
                ConvModule(channels, channels, 3, padding=1)
                for _ in range(num_upsample_convs)
            ]
            self.upsample = nn.Sequential(self.upsample, *convs)

    def class_logits(self, mask_preds: Tensor, labels: Tensor) -> Tensor:
        """Logits of the channel that belongs to each mask's class.

        Args:
            mask_preds (Tensor): Shape (N, num_classes or 1, h, w).
            labels (Tensor): Shape (N, ), dtype long.

        Returns:
            Tensor: Shape (N, h, w).
        """
        if self.class_agnostic:
            return mask_preds[:, 0]
        return mask_preds[torch.arange(len(labels), device=labels.device), labels]

    def predict_by_feat(
        self,
        mask_preds: tuple[Tensor],
        results_list: InstanceList,
        *args,
        **kwargs,
    ) -> InstanceList:
        """Paste masks as mmdet does and keep the soft ones as ``mask_probs``.

        Args:
            mask_preds (tuple[Tensor]): Per image, shape (n, num_classes, h, w).
            results_list (list[:obj:`InstanceData`]): Detections per image.
            *args, **kwargs: Of :meth:`FCNMaskHead.predict_by_feat`.

        Returns:
            list[:obj:`InstanceData`]: With ``masks`` (n, H, W), bool, and
            ``mask_probs`` (n, h, w) in [0, 1] on the mask RoI's grid.
        """
        for preds, results in zip(mask_preds, results_list):
            results.mask_probs = self.class_logits(preds, results.labels).sigmoid()
        return super().predict_by_feat(mask_preds, results_list, *args, **kwargs)

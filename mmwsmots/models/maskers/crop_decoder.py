# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmdet.utils import OptMultiConfig
from mmengine.model import BaseModule
from torch import Tensor, nn


@MODELS.register_module()
class CropDecoder(BaseModule):
    """From the feature maps of a crop to one mask at the finest map's resolution.

    A top-down path as in FPN, with group norm; the coarsest map's mean joins its level.

    Args:
        in_channels (list[int]): Of the maps, fine to coarse.
        channels (int): Of all levels.
        prompt_channels (int): Of the prompt, which joins each map; 0 takes none.
    """

    def __init__(
        self,
        in_channels: list[int],
        channels: int = 48,
        prompt_channels: int = 0,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(init_cfg)
        self.prompt_channels = prompt_channels
        self.laterals = nn.ModuleList(
            nn.Conv2d(num + prompt_channels, channels, 1) for num in in_channels
        )
        norm_cfg = dict(type='GN', num_groups=8)
        self.convs = nn.ModuleList(
            ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg)
            for _ in in_channels[1:]
        )
        self.context = nn.Conv2d(in_channels[-1], channels, 1)
        self.predictor = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(
        self, feats: tuple[Tensor, ...], prompts: Tensor | None = None
    ) -> Tensor:
        """Logits (N, h, w) of maps (N, C, h, w), fine to coarse, and finer prompts."""
        context = self.context(feats[-1].mean(dim=(2, 3), keepdim=True))
        if self.prompt_channels > 0:
            feats = [
                torch.cat([feat, F.adaptive_avg_pool2d(prompts, feat.shape[2:])], dim=1)
                for feat in feats
            ]
        x = self.laterals[-1](feats[-1]) + context
        for level in range(len(feats) - 2, -1, -1):
            x = F.interpolate(x, feats[level].shape[2:], mode='bilinear')
            x = self.convs[level](x + self.laterals[level](feats[level]))
        return self.predictor(x)[:, 0]

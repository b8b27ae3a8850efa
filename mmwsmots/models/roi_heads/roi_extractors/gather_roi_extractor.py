# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from torch import nn

from .gather_roi_align import GatherRoIAlign


@MODELS.register_module()
class GatherRoIExtractor(SingleRoIExtractor):
    """:class:`SingleRoIExtractor` whose RoIAlign is fast on a CPU.

    Args:
        *args, **kwargs: Of :class:`SingleRoIExtractor`. ``roi_layer`` is a
            ``RoIAlign`` with ``sampling_ratio`` >= 1, see :class:`GatherRoIAlign`.
    """

    def build_roi_layers(
        self, layer_cfg: ConfigType, featmap_strides: list[int]
    ) -> nn.ModuleList:
        """See :class:`SingleRoIExtractor`."""
        if getattr(layer_cfg['type'], '__name__', layer_cfg['type']) != 'RoIAlign':
            raise ValueError(
                "GatherRoIExtractor's roi_layer must be a RoIAlign, got "
                f'{layer_cfg["type"]!r}'
            )
        return super().build_roi_layers(
            dict(layer_cfg, type=GatherRoIAlign), featmap_strides
        )

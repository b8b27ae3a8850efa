# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.models.backbones import MobileNetV2
from mmdet.registry import MODELS


@MODELS.register_module()
class TrimmedMobileNetV2(MobileNetV2):
    """:class:`mmdet.models.MobileNetV2` that ends with the last stage that is read.

    mmdet's class builds and runs its last stage, a sixth of all parameters, whatever
    ``out_indices`` say, and a distributed training stops at parameters without use.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name in self.layers[max(self.out_indices) + 1 :]:
            delattr(self, name)
        del self.layers[max(self.out_indices) + 1 :]
        # mmdet's class freezes at train(), when a distributed wrapper has counted them.
        self._freeze_stages()

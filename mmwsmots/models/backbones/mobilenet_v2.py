# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.backbones import MobileNetV2
from mmdet.registry import MODELS
from torch import Tensor

BN_EPS = 1e-5


@MODELS.register_module()
class TrimmedMobileNetV2(MobileNetV2):
    """:class:`mmdet.models.MobileNetV2` that ends with the last stage that is read.

    mmdet's class builds and runs its last stage whatever ``out_indices`` say, and a
    distributed training stops at parameters without use.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name in self.layers[max(self.out_indices) + 1 :]:
            delattr(self, name)
        del self.layers[max(self.out_indices) + 1 :]
        # mmdet's class freezes at train(), when a distributed wrapper has counted them.
        self._freeze_stages()


@MODELS.register_module()
class FrozenMobileNetV2(TrimmedMobileNetV2):
    """:class:`TrimmedMobileNetV2` that is never trained, twice as fast on CPU.

    It has no ``norm_cfg``: of mmdet's weights, which load, batch norm becomes a part of
    the convolutions. ``out_indices`` are 0 to 6.
    """

    def __init__(self, out_indices: tuple[int, ...] = (1, 2, 4, 6), **kwargs) -> None:
        if 7 in out_indices:
            raise ValueError('FrozenMobileNetV2 has no stage 7')
        super().__init__(out_indices=out_indices, norm_cfg=None, **kwargs)
        self.requires_grad_(False)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        for key in [k for k in state_dict if k.startswith(prefix)]:
            if key.startswith(f'{prefix}conv2.'):
                del state_dict[key]
            elif key.endswith('.bn.weight'):
                conv, bn = (key.removesuffix('bn.weight') + x for x in ('conv', 'bn'))
                gamma, beta, mean, var = (
                    state_dict.pop(f'{bn}.{name}')
                    for name in ('weight', 'bias', 'running_mean', 'running_var')
                )
                state_dict.pop(f'{bn}.num_batches_tracked', None)
                factor = gamma / (var + BN_EPS).sqrt()
                weight = state_dict[f'{conv}.weight']
                state_dict[f'{conv}.weight'] = weight * factor.view(-1, 1, 1, 1)
                state_dict[f'{conv}.bias'] = beta - factor * mean
        super()._load_from_state_dict(state_dict, prefix, *args)

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Images (N, 3, H, W) to contiguous maps of the output stages, detached."""
        # Far faster inside; mmcv's ops read contiguous tensors only.
        outs = super().forward(x.contiguous(memory_format=torch.channels_last))
        return tuple(out.contiguous() for out in outs)

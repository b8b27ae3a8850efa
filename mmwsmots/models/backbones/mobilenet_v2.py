# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.backbones import MobileNetV2
from mmdet.registry import MODELS
from torch import Tensor

BN_EPS = 1e-5


@MODELS.register_module()
class FrozenMobileNetV2(MobileNetV2):
    """:class:`mmdet.models.MobileNetV2` that is never trained, twice as fast on CPU.

    It has no batch norm, no gradient, and not the last layer, which no FPN reads.
    Weights of mmdet's class load: each convolution takes its batch norm's running
    statistics and affine map in, which changes outputs by rounding alone.

    Args:
        out_indices (Sequence[int]): Of the output stages, 0 to 6.
        **kwargs: Of the parent, without ``frozen_stages``, ``norm_cfg`` and
            ``norm_eval``.
    """

    def __init__(self, out_indices: tuple[int, ...] = (1, 2, 4, 6), **kwargs) -> None:
        if 7 in out_indices:
            raise ValueError('FrozenMobileNetV2 has no stage 7')
        super().__init__(out_indices=out_indices, norm_cfg=None, **kwargs)
        self.layers.remove('conv2')
        del self.conv2
        self.requires_grad_(False)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args
    ) -> None:
        fold_batch_norms(state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Images (N, 3, H, W) to contiguous maps of the output stages, detached."""
        # Far faster inside; mmcv's ops read contiguous tensors only.
        outs = super().forward(x.contiguous(memory_format=torch.channels_last))
        return tuple(out.contiguous() for out in outs)


def fold_batch_norms(state_dict: dict[str, Tensor], prefix: str) -> None:
    r"""Turn weights of :class:`MobileNetV2`, in place, into those of the frozen class.

    ``conv(x) * a + b`` with :math:`a = \gamma / \sqrt{v + \epsilon}` and :math:`b =
    \beta - a \mu` is a convolution with weight ``a * W`` and bias ``b``.
    """
    for key in [k for k in state_dict if k.startswith(f'{prefix}conv2.')]:
        del state_dict[key]
    for key in [k for k in state_dict if k.startswith(prefix)]:
        if not key.endswith('.bn.weight'):
            continue
        layer = key.removesuffix('bn.weight')
        norm = {
            name: state_dict.pop(f'{layer}bn.{name}')
            for name in ('weight', 'bias', 'running_mean', 'running_var')
        }
        state_dict.pop(f'{layer}bn.num_batches_tracked', None)
        factor = norm['weight'] / (norm['running_var'] + BN_EPS).sqrt()
        weight = state_dict[f'{layer}conv.weight']
        state_dict[f'{layer}conv.weight'] = weight * factor.view(-1, 1, 1, 1)
        state_dict[f'{layer}conv.bias'] = norm['bias'] - factor * norm['running_mean']


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

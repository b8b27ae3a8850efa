# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from mmdet.structures.mask import mask_target
from mmdet.utils import ConfigType, InstanceList, OptMultiConfig
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from ...compat import TrackSampleList
from ..utils.crop_augment import jittered_rois

MASK_SIZE = 28
NUM_ROIS = 4  # of a box
MAX_ROIS = 64  # of a frame


@MODELS.register_module()
class HardTripletTrackHead(BaseModule):
    """:class:`HardTripletEmbedHead` as the track head of mmdet's ``MaskTrackRCNN``.

    It learns from RoIs around the true boxes of a key and a reference frame, with an
    IoU above 0.5 as positive proposals have, and features under the true masks. At test
    :class:`IoUCosineTracker` pools under the predicted masks.

    Args:
        embed_head (dict): :class:`HardTripletEmbedHead`.
    """

    def __init__(self, embed_head: ConfigType, init_cfg: OptMultiConfig = None) -> None:
        super().__init__(init_cfg)
        self.embed_head = MODELS.build(embed_head)

    def loss(
        self,
        key_feats: tuple[Tensor],
        ref_feats: tuple[Tensor],
        rpn_results_list: InstanceList,
        data_samples: TrackSampleList,
        **kwargs,
    ) -> dict[str, Tensor]:
        """``loss_triplet``, see mmdet's ``RoITrackHead.loss``; proposals are not used.

        ``gt_instances`` have ``bboxes``, ``labels``, ``instances_ids`` and ``masks``.
        """
        frames = [clip.get_key_frames()[0] for clip in data_samples]
        frames += [clip.get_ref_frames()[0] for clip in data_samples]
        samples = [
            self._mask_samples(frame.gt_instances, i % len(data_samples))
            for i, frame in enumerate(frames)
        ]
        x = tuple(torch.cat(levels) for levels in zip(key_feats, ref_feats))
        return self.embed_head.loss(x, samples)

    def _mask_samples(self, gts: InstanceData, clip: int) -> InstanceData:
        """RoIs of one frame with the true masks, for :class:`HardTripletEmbedHead`."""
        device = gts.bboxes.device
        inds = torch.arange(len(gts), device=device).repeat(NUM_ROIS)
        inds = inds[torch.randperm(len(inds), device=device)[:MAX_ROIS]]
        priors = jittered_rois(gts.bboxes[inds], context=1.0, jitter=0.1)
        height, width = gts.masks.height, gts.masks.width
        limits = priors.new_tensor([width, height, width, height])
        priors = priors.clamp(min=0).minimum(limits)  # as mask_target does
        return InstanceData(
            priors=priors,
            labels=gts.labels[inds],
            # The identities of two clips are different ones.
            instances_ids=gts.instances_ids[inds].long() + (clip << 32),
            mask_probs=mask_target(
                [priors], [inds], [gts.masks], ConfigDict(mask_size=MASK_SIZE)
            ),
        )

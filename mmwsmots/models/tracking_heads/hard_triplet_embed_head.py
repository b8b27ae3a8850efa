# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.structures.mask import mask_target
from mmdet.utils import ConfigType, InstanceList, OptMultiConfig
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ...compat import TrackSampleList
from ..utils.crop_augment import jittered_rois

MASK_SIZE = 28
NUM_ROIS = 4  # of a box
MAX_ROIS = 64  # of a frame


def mask_pool(features: Tensor, masks: Tensor) -> Tensor:
    r"""Mean of the features under a soft mask (Porzi et al., CVPR 2020).

    .. math::
        a = \frac{\sum_{ij} S_{ij} F_{ij}}{\sum_{ij} S_{ij}}

    Features F (N, C, H, W) and masks S (N, h, w) in [0, 1], resized to (H, W), are over
    the same regions; other shapes are a ValueError. The means (N, C) are float32 or
    above; 0 of an all-zero mask.
    """
    if features.ndim != 4 or masks.ndim != 3 or len(features) != len(masks):
        raise ValueError(
            'mask_pool needs features (N, C, H, W) and masks (N, h, w), got '
            f'{tuple(features.shape)} and {tuple(masks.shape)}'
        )
    with torch.autocast(features.device.type, enabled=False):
        dtype = torch.promote_types(features.dtype, torch.float32)
        features, masks = features.to(dtype), masks.to(dtype)
        size = features.shape[2:]
        if masks.shape[1:] != size:
            shrinks = masks.shape[1] >= size[0] and masks.shape[2] >= size[1]
            mode = 'area' if shrinks else 'bilinear'
            masks = F.interpolate(masks[:, None], size, mode=mode)[:, 0]
        sums = torch.einsum('nchw,nhw->nc', features, masks)
        return sums / masks.sum(dim=(1, 2)).clamp(min=1e-6)[:, None]


@MODELS.register_module()
class HardTripletEmbedHead(BaseModule):
    """Appearance embedding of the pixels under a soft mask.

    RoIAlign, :func:`mask_pool` and two fully connected layers: MOTSNet (Porzi et al.,
    CVPR 2020) without convolution, as in Ruiz et al. The widths are this project's.

    Args:
        roi_extractor (dict): 14x14 in the paper.
        in_channels, fc_out_channels, embed_dims (int): Of levels, hidden layer, result.
        num_classes (int): Foreground classes.
        class_agnostic (bool): One embedding for all classes, and negatives of any
            class. Otherwise one for each class, and negatives of the anchor's class.
        detach_mask (bool): Cut the gradient of the loss into the masks.
        loss_triplet (dict): Of embeddings, ids and labels.
    """

    def __init__(
        self,
        roi_extractor: ConfigType,
        in_channels: int = 256,
        fc_out_channels: int = 128,
        embed_dims: int = 8,
        num_classes: int = 2,
        class_agnostic: bool = False,
        detach_mask: bool = False,
        loss_triplet: ConfigType = dict(type='HardTripletLoss', margin=0.2),
        init_cfg: OptMultiConfig = dict(
            type='Xavier', layer='Linear', distribution='uniform'
        ),
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.embed_dims = embed_dims
        self.num_classes = num_classes
        self.class_agnostic = class_agnostic
        self.detach_mask = detach_mask
        self.roi_extractor = MODELS.build(roi_extractor)
        self.loss_triplet = MODELS.build(loss_triplet)

        self.fcs = nn.Sequential(nn.Linear(in_channels, fc_out_channels), nn.ReLU())
        num_slices = 1 if class_agnostic else num_classes
        self.fc_embed = nn.Linear(fc_out_channels, num_slices * embed_dims)

    def forward(self, roi_feats: Tensor, mask_probs: Tensor, labels: Tensor) -> Tensor:
        """Embeddings (N, ``embed_dims``), see :func:`mask_pool`; labels are (N, )."""
        if self.detach_mask:
            mask_probs = mask_probs.detach()
        embeds = self.fc_embed(self.fcs(mask_pool(roi_feats, mask_probs)))
        if self.class_agnostic:
            return embeds
        embeds = embeds.unflatten(1, (-1, self.embed_dims))
        return embeds[torch.arange(len(embeds), device=embeds.device), labels]

    def predict(
        self, x: tuple[Tensor], rois: Tensor, mask_probs: Tensor, labels: Tensor
    ) -> Tensor:
        """:meth:`forward` of RoIs (N, 5) in pixels, from levels (B, C, H, W)."""
        levels = x[: self.roi_extractor.num_inputs]
        return self(self.roi_extractor(levels, rois), mask_probs, labels)

    def loss(self, x: tuple[Tensor], mask_samples: InstanceList) -> dict[str, Tensor]:
        """``loss_triplet`` over positive proposals, from levels (B, C, H, W).

        Each image has P >= 0 samples: ``priors`` (P, 4), ``labels``, ``instances_ids``
        (P, ), equal for one identity of the batch alone, ``mask_probs`` (P, h, w).
        """
        rois = bbox2roi([samples.priors for samples in mask_samples])
        mask_probs, labels, ids = (
            torch.cat([samples.get(field) for samples in mask_samples])
            for field in ('mask_probs', 'labels', 'instances_ids')
        )
        embeds = self.predict(x, rois, mask_probs, labels)
        classes = None if self.class_agnostic else labels
        return dict(loss_triplet=self.loss_triplet(embeds, ids, classes))


@MODELS.register_module()
class HardTripletTrackHead(BaseModule):
    """:class:`HardTripletEmbedHead` as the track head of mmdet's ``MaskTrackRCNN``.

    It learns from RoIs around the true boxes of a key and a reference frame, with an
    IoU above 0.5, and features under the true masks. At test :class:`IoUCosineTracker`
    asks its ``embed_head``, a :class:`HardTripletEmbedHead`.
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
        """``loss_triplet``, see mmdet's ``RoITrackHead.loss``; proposals are unused."""
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
        limits = priors.new_tensor([gts.masks.width, gts.masks.height]).repeat(2)
        priors = priors.clamp(min=0).minimum(limits)  # as mask_target does
        cfg = ConfigDict(mask_size=MASK_SIZE)
        return InstanceData(
            priors=priors,
            labels=gts.labels[inds],
            # The identities of two clips are different ones.
            instances_ids=gts.instances_ids[inds].long() + (clip << 32),
            mask_probs=mask_target([priors], [inds], [gts.masks], cfg),
        )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import ConfigType, InstanceList, OptMultiConfig
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..utils.mask_pool import mask_pool


@MODELS.register_module()
class HardTripletEmbedHead(BaseModule):
    """Appearance embedding of the pixels under a soft mask.

    RoIAlign, mask pooling, a hidden fully connected layer with ReLU, a linear layer to
    the embedding, nearly as the tracking head of MOTSNet (Porzi et al., CVPR 2020).
    Ruiz et al. say that it "first applies the mask-pooling operation on the input
    features", so no convolution stands before it; neither states the widths, and a
    hidden layer of 128 is this project's choice.

    Args:
        roi_extractor (dict): Config of the RoI extractor, 14x14 in the paper.
        in_channels (int): Channels of the feature levels.
        fc_out_channels (int): Units of the hidden layer.
        embed_dims (int): Length of an embedding.
        num_classes (int): Foreground classes.
        class_agnostic (bool): One embedding for all classes, and negatives of any
            class. Otherwise one for each class, of which the label selects a slice, and
            negatives of the anchor's class.
        detach_mask (bool): Cut the gradient of the loss into the masks, so that
            tracking does not supervise them.
        loss_triplet (dict): Config of the loss of embeddings, ids and labels.
        init_cfg (dict or list[dict], optional): Initialisation.
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
        """Embed regions: (N, ``embed_dims``), not normalised.

        Of features (N, C, H, W), soft masks in [0, 1] over the same regions, of any
        resolution (N, h, w), and classes (N, ), unused when class-agnostic.
        """
        if self.detach_mask:
            mask_probs = mask_probs.detach()
        pooled = mask_pool(roi_feats, mask_probs)
        embeds = self.fc_embed(self.fcs(pooled))
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
        """``loss_triplet`` over the positive proposals of a batch.

        ``x`` are feature levels (B, C, H, W); each image has ``mask_samples`` of P >= 0
        proposals: ``priors`` (P, 4), ``labels`` (P, ), ``instances_ids`` (P, ), equal
        exactly for one identity, also across images, and ``mask_probs`` (P, h, w). All
        parameters take part in the graph, whatever P.
        """
        rois = bbox2roi([samples.priors for samples in mask_samples])
        mask_probs, labels, ids = (
            torch.cat([samples.get(field) for samples in mask_samples])
            for field in ('mask_probs', 'labels', 'instances_ids')
        )
        embeds = self.predict(x, rois, mask_probs, labels)
        if self.class_agnostic:
            labels = None
        return dict(loss_triplet=self.loss_triplet(embeds, ids, labels))

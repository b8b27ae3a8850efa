# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import ConfigType, InstanceList
from torch import Tensor

from .box_supervised_mask_head import crf_on_rois, stack_rgb
from .mots_mask_head import MOTSMaskHead


@MODELS.register_module()
class CRFMaskHead(MOTSMaskHead):
    """Mask head of a supervised Mask R-CNN with L_CRF beside its cross entropy.

    It reads ``rgb`` (set by :class:`RGBDetDataPreprocessor`) from the metainfo of each
    image's ``gt_instances`` and runs in mmdet's own RoI heads.

    Args:
        crf_size (int): Side of the masks and crops of L_CRF.
        loss_crf (dict): :class:`CRFLoss`.
        *args, **kwargs: Of :class:`MOTSMaskHead`.
    """

    def __init__(
        self,
        *args,
        crf_size: int = 128,
        loss_crf: ConfigType = dict(type='CRFLoss'),
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.crf_size = crf_size
        self.loss_crf = MODELS.build(loss_crf)

    def loss_and_target(
        self,
        mask_preds: Tensor,
        sampling_results: list,
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> dict:
        """As the parent's, with ``loss_crf`` in ``loss_mask``."""
        results = super().loss_and_target(
            mask_preds, sampling_results, batch_gt_instances, rcnn_train_cfg
        )
        labels = torch.cat([res.pos_gt_labels for res in sampling_results])
        results['loss_mask']['loss_crf'] = crf_on_rois(
            self.loss_crf,
            self.class_logits(mask_preds, labels),
            stack_rgb(batch_gt_instances),
            bbox2roi([res.pos_priors for res in sampling_results]),
            self.crf_size,
        )
        return results

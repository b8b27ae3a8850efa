# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ...compat import DETECTIONS
from ..tracking_heads import HardTripletEmbedHead, HardTripletTrackHead
from ..utils.roi_grid import crop_rois
from .iou_cosine_matcher import IoUCosineMatcher

MASK_SIZE = 28


@MODELS.register_module()
class IoUCosineTracker(IoUCosineMatcher):
    """:class:`IoUCosineMatcher` as the tracker of :class:`MOTSNet` and mmdet's models.

    The embeddings are the detections' ``embeds``, or come from the model's
    ``track_head``: a :class:`HardTripletTrackHead` or :class:`HardTripletEmbedHead`,
    which pool the predicted masks, or a ``QuasiDenseTrackHead``. Without any, overlap
    decides alone. The score threshold is the detector's ``test_cfg.rcnn.score_thr``.
    """

    def track(
        self,
        data_sample: DetDataSample,
        model: nn.Module | None = None,
        feats: tuple[Tensor] | None = None,
        rescale: bool = True,
        **kwargs,
    ) -> InstanceData:
        """Copy ``pred_instances`` of the next frame with their ``instances_id`` (n, ).

        Args:
            data_sample (:obj:`DetDataSample`): With ``frame_id`` and ``scale_factor``.
            model (nn.Module, optional): The tracking model.
            feats (tuple[Tensor], optional): Its feature maps of all levels.
            rescale (bool): Whether ``pred_instances`` are at the original scale.
        """
        results = data_sample.get(DETECTIONS).clone()
        embeds, head = results.get('embeds'), getattr(model, 'track_head', None)
        if embeds is None and (head is None or len(results) == 0):
            embeds = results.scores.new_ones((len(results), 1))
        elif embeds is None:
            bboxes = results.bboxes
            if rescale:
                bboxes = bboxes * bboxes.new_tensor(data_sample.scale_factor).repeat(2)
            if isinstance(head, HardTripletTrackHead):
                head = head.embed_head
            if isinstance(head, HardTripletEmbedHead):
                masks = crop_masks(results.masks, results.bboxes, MASK_SIZE)
                embeds = head.predict(feats, bbox2roi([bboxes]), masks, results.labels)
            else:
                embeds = head.predict(feats, [bboxes])
        results.instances_id = self.match(
            results.bboxes, results.labels, embeds, data_sample.frame_id
        ).to(results.labels.device)
        return results


def crop_masks(masks: Tensor, bboxes: Tensor, size: int) -> Tensor:
    """Coverage (N, size, size) by bool masks (N, H, W) on boxes (N, 4) of them."""
    # One by one: together they would be N images of floats.
    crops = [
        crop_rois(mask[None, None], F.pad(bbox[None], (1, 0)), size)[0]
        for mask, bbox in zip(masks, bboxes)
    ]
    return torch.cat(crops) if crops else bboxes.new_zeros((0, size, size))

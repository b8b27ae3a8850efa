# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ...compat import DETECTIONS
from ..tracking_heads.hard_triplet_embed_head import HardTripletEmbedHead
from ..utils.roi_grid import crop_rois
from .iou_cosine_tracker import IoUCosineTracker

MASK_SIZE = 28


@MODELS.register_module()
class IoUCosineModelTracker(IoUCosineTracker):
    """:class:`IoUCosineTracker` as the tracker of mmdet's or MMTracking's models.

    ``MaskTrackRCNN``, ``QDTrack``, ``DeepSORT`` and ``ByteTrack`` hand their tracker
    the model and the frame instead of embeddings. Here these come from the model's
    ``track_head``: from a :class:`HardTripletEmbedHead` under the predicted masks, or
    from a ``QuasiDenseTrackHead``. In a model without one they are all equal, and
    overlap decides alone.

    Every detection starts or continues a track: the detector's
    ``test_cfg.rcnn.score_thr`` is the tracker's score threshold.

    Args:
        *args, **kwargs: Of :class:`IoUCosineTracker`.
    """

    def track(
        self,
        data_sample: DetDataSample,
        model: nn.Module | None = None,
        feats: tuple[Tensor] | None = None,
        rescale: bool = True,
        **kwargs,
    ) -> InstanceData:
        """Give the detections of the next frame their track ids.

        Args:
            data_sample (:obj:`DetDataSample`): Of the frame, with ``frame_id``,
                ``scale_factor`` and ``pred_instances``.
            model (nn.Module, optional): The tracking model.
            feats (tuple[Tensor], optional): Feature maps of all levels; needed if
                the model has a ``track_head``.
            rescale (bool): Whether boxes and masks of ``pred_instances`` are at the
                original scale.
            **kwargs: Not used.

        Returns:
            :obj:`InstanceData`: The fields of ``pred_instances``, in order, and
            ``instances_id`` (n, ).
        """
        results = data_sample.get(DETECTIONS).clone()
        head = getattr(model, 'track_head', None)
        if head is None or len(results) == 0:
            results.embeds = results.scores.new_ones((len(results), 1))
        else:
            bboxes = results.bboxes
            if rescale:
                bboxes = bboxes * bboxes.new_tensor(data_sample.scale_factor).repeat(2)
            if isinstance(head, HardTripletEmbedHead):
                masks = crop_masks(results.masks, results.bboxes, MASK_SIZE)
                results.embeds = head.predict(
                    feats, bbox2roi([bboxes]), masks, results.labels
                )
            else:
                results.embeds = head.predict(feats, [bboxes])
        results = super().track(results, data_sample.frame_id)
        results.pop('embeds')
        return results


def crop_masks(masks: Tensor, bboxes: Tensor, size: int) -> Tensor:
    """Masks of an image on the grids of their boxes.

    Args:
        masks (Tensor): Bool, shape (N, H, W).
        bboxes (Tensor): Shape (N, 4), xyxy in pixels of the masks.
        size (int): Cells per side of a grid.

    Returns:
        Tensor: Shares of the cells that the masks cover, shape (N, size, size).
    """
    # One by one: together they would be N images of floats.
    crops = [
        crop_rois(mask[None, None], F.pad(bbox[None], (1, 0)), size)[0]
        for mask, bbox in zip(masks, bboxes)
    ]
    return torch.cat(crops) if crops else bboxes.new_zeros((0, size, size))

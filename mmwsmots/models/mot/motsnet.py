# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.models.mot import BaseMOTModel
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, TrackSampleList
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.structures import InstanceData
from torch import Tensor

from ..trackers import IoUCosineTracker
from ..utils.disjoint_masks import disjoint_masks, nonempty_masks

BOX_LOSSES = ('loss_cls', 'loss_bbox', 'acc')


@MODELS.register_module()
class MOTSNet(BaseMOTModel):
    r"""Mask R-CNN with a tracking head (Porzi et al., CVPR 2020; Ruiz et al.).

    :math:`L = L_T + \lambda (L_{RPN} + L_{cls} + L_{box} + L_{mask})`.

    Args:
        detector (dict): Two-stage detector with a :class:`MOTSRoIHead`; its
            ``test_cfg.rcnn.score_thr`` is the detection threshold of tracking.
        track_head (dict, optional): :class:`HardTripletEmbedHead`.
        tracker (dict, optional): :class:`IoUCosineTracker`.
        detector_loss_weight (float): :math:`\lambda`.
        freeze_detector (bool): Whether to train masks and embeddings alone.
        masker (dict, optional): A trained :class:`BoxMasker`, which segments the
            detections at test; the mask head's masks still pool the embeddings.
        data_preprocessor (dict, optional): :class:`RGBTrackDataPreprocessor`.
    """

    def __init__(
        self,
        detector: ConfigType,
        track_head: OptConfigType = None,
        tracker: OptConfigType = None,
        detector_loss_weight: float = 1.0,
        freeze_detector: bool = False,
        masker: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.detector = MODELS.build(detector)
        self.track_head = track_head and MODELS.build(track_head)
        self.tracker = tracker and MODELS.build(tracker)
        self._video_id = None  # of the last frame from a data set
        self.detector_loss_weight = detector_loss_weight
        self.freeze_detector = freeze_detector
        if freeze_detector:
            self.detector.requires_grad_(False)
            self.detector.roi_head.mask_head.requires_grad_(True)
        self.masker = None
        if masker is not None:
            self.masker = MODELS.build(masker).requires_grad_(False)
            self.detector.roi_head.mask_head.paste_masks = False

    def train(self, mode: bool = True) -> 'MOTSNet':
        """Frozen parts stay in evaluation."""
        super().train(mode)
        if self.freeze_detector:
            self.detector.eval()
            self.detector.roi_head.mask_head.train(mode)
        if self.masker is not None:
            self.masker.eval()
        return self

    def loss(self, inputs: Tensor, data_samples: TrackSampleList, **kwargs) -> dict:
        """Losses of N clips of T frames, (N, T, C, H, W).

        ``instances_ids`` of their ``gt_instances`` number identities over the batch.
        """
        imgs = inputs.flatten(0, 1)
        frames = [frame for clip in data_samples for frame in clip.video_data_samples]
        with torch.set_grad_enabled(not self.freeze_detector):
            x = self.detector.extract_feat(imgs)
        if self.freeze_detector:
            losses, proposals = {}, self.detector.rpn_head.predict(x, frames, False)
        else:
            losses, proposals = self._rpn_loss(x, frames)
        roi_losses, mask_samples = self.detector.roi_head.loss_and_mask_samples(
            x, proposals, frames
        )
        if self.freeze_detector:
            roi_losses = {k: v for k, v in roi_losses.items() if k not in BOX_LOSSES}
        losses.update(roi_losses)
        for name, value in losses.items():
            if 'loss' in name and self.detector_loss_weight != 1:
                parts = value if isinstance(value, list) else [value]
                losses[name] = [part * self.detector_loss_weight for part in parts]
        if self.with_track_head:
            losses.update(self.track_head.loss(x, mask_samples))
        return losses

    def _rpn_loss(self, x: tuple[Tensor], frames: list[DetDataSample]) -> tuple:
        """Losses of the RPN, for which every object is of class 0, and proposals."""
        detector, samples = self.detector, []
        for frame in frames:  # mmdet would copy the images
            gts = frame.gt_instances
            boxes = InstanceData(bboxes=gts.bboxes, labels=torch.zeros_like(gts.labels))
            sample = DetDataSample(metainfo=frame.metainfo, gt_instances=boxes)
            if 'ignored_instances' in frame:
                sample.ignored_instances = frame.ignored_instances
            samples.append(sample)
        cfg = detector.train_cfg.get('rpn_proposal', detector.test_cfg.rpn)
        losses, proposals = detector.rpn_head.loss_and_predict(x, samples, cfg)
        losses = {k if 'rpn' in k else f'rpn_{k}': v for k, v in losses.items()}
        return losses, proposals

    def predict(
        self,
        inputs: Tensor,
        data_samples: TrackSampleList,
        rescale: bool = True,
        tracker: IoUCosineTracker | None = None,
        **kwargs,
    ) -> TrackSampleList:
        """Give the next frames of one video their ``pred_track_instances``.

        They have ``bboxes`` (n, 4), ``labels``, ``scores`` and ``instances_id`` (n, ),
        and disjoint ``masks`` (n, H, W).

        Args:
            inputs (Tensor): Shape (1, T, C, H, W).
            data_samples (list[:obj:`TrackDataSample`]): One, else it is a ValueError,
                of T frames. ``frame_id`` 0 or another ``video_id`` starts a new video.
            rescale (bool): Whether results are at the original scale.
            tracker (:obj:`IoUCosineTracker`, optional): In place of the model's own.
        """
        if len(data_samples) != 1:
            raise ValueError(
                f'MOTSNet tracks one video at a time, got {len(data_samples)}'
            )
        frames = data_samples[0].video_data_samples
        if tracker is None and self.with_tracker:
            tracker = self.tracker
            # A data set's next video may start at any number.
            video_id = frames[0].get('video_id')
            is_before = frames[0].frame_id <= tracker.last_frame_id
            if video_id is not None and (video_id != self._video_id or is_before):
                tracker.reset()
            self._video_id = video_id
        for img, frame in zip(inputs[0], frames):
            x = self._predict_frame(img[None].contiguous(), frame, rescale)
            results = frame.pred_instances
            if tracker is not None:  # mmdet's trackers ask for the model
                results = tracker.track(frame, model=self, feats=x, rescale=rescale)
            frame.pred_track_instances = results
        return data_samples

    def _predict_frame(self, img: Tensor, frame: DetDataSample, rescale: bool) -> tuple:
        """Give a frame its ``pred_instances``; returns the feature maps."""
        x = self.detector.extract_feat(img)
        proposals = self.detector.rpn_head.predict(x, [frame], rescale=False)
        results = self.detector.roi_head.predict(x, proposals, [frame], rescale)[0]
        if self.masker is None:
            results.masks = disjoint_masks(results.masks, results.scores)
        else:
            results.masks = self._segment(frame, results.bboxes, rescale)
        # A detection that others cover completely has no legal mask.
        is_visible = nonempty_masks(results.masks)
        if not is_visible.all():  # indexing copies all masks
            results = results[is_visible]
        # Without a detection mmdet's RoI head does not ask the mask head.
        rois = bbox2roi([results.pop('mask_rois', results.bboxes)])
        mask_probs = results.pop('mask_probs', results.masks.float())
        if self.with_track_head:
            args = x, rois, mask_probs, results.labels
            results.embeds = self.track_head.predict(*args)
        frame.pred_instances = results
        return x

    def _segment(self, frame: DetDataSample, bboxes: Tensor, rescale: bool) -> Tensor:
        """The masker's disjoint masks (n, H, W) of the boxes of a frame."""
        height, width = frame.img_shape[:2]
        image = self.masker.normalize(frame.rgb[None, :, :height, :width])[0]
        scaling = (tuple(frame.ori_shape[:2]), frame.scale_factor) if rescale else ()
        return self.masker.segment(image, bboxes, *scaling).masks

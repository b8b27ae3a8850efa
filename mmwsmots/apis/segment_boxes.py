# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmwsmots.apis.inference import check_frame, frame_batch
from mmwsmots.models.maskers import BoxMasker
from mmwsmots.models.mot import MOTSNet
from mmwsmots.models.utils.disjoint_masks import disjoint_masks
from mmwsmots.models.utils.mask_confidence import mask_confidences


def segment_boxes(
    model: MOTSNet | BoxMasker,
    frame: np.ndarray,
    bboxes: np.ndarray,
    labels: np.ndarray | None = None,
) -> np.ndarray:
    """The masks (n, H, W) of :func:`segment_instances` as an array."""
    return segment_instances(model, frame, bboxes, labels).masks.cpu().numpy()


@torch.no_grad()
def segment_instances(
    model: MOTSNet | BoxMasker,
    frame: np.ndarray,
    bboxes: np.ndarray,
    labels: np.ndarray | None = None,
) -> InstanceData:
    """Segment the objects of a frame whose boxes are known, with confidences.

    Row n of the result belongs to row n of the boxes and with it to its identity.

    Args:
        model (:obj:`BoxMasker` | :obj:`MOTSNet`): From :func:`init_box_masker` or
            :func:`init_mots_model`.
        frame (ndarray): BGR, (H, W, 3) uint8.
        bboxes (ndarray): Boxes (n, 4) xyxy in pixels of the frame, to which they are
            clipped; n may be 0.
        labels (ndarray, optional): Classes (n, ), integers from 0. A masker knows no
            classes and needs none.

    Returns:
        :obj:`InstanceData`: ``masks`` (n, H, W) bool at the frame's own size, disjoint:
        a pixel that several claim goes, of a masker, as :func:`paste_disjoint` says, of
        a :class:`MOTSNet` without one, made for roads, to the one whose box ends
        lowest; ``scores`` (n, ), the :func:`mask_confidences`.

    Raises:
        ValueError: If an argument is not of that form.
    """
    check_frame(frame)
    is_mots = isinstance(model, MOTSNet)
    if not is_mots and not isinstance(model, BoxMasker):
        raise ValueError(
            f'model must be a BoxMasker or a MOTSNet, got {type(model).__name__}'
        )
    num_classes = None
    if is_mots:
        if labels is None:
            raise ValueError('a MOTSNet needs labels, the classes of the boxes')
        num_classes = model.detector.roi_head.mask_head.num_classes
    bboxes, labels = _check_boxes(bboxes, labels, frame.shape[:2], num_classes)
    if len(bboxes) == 0:
        masks = torch.zeros((0, *frame.shape[:2]), dtype=torch.bool)
        return InstanceData(masks=masks, scores=torch.zeros(0))
    if is_mots and model.masker is not None:
        model = model.masker
    by = _by_masker if isinstance(model, BoxMasker) else _by_mask_branch
    return by(model, frame, bboxes, labels)


def _by_masker(
    model: BoxMasker, frame: np.ndarray, bboxes: np.ndarray, labels: np.ndarray
) -> InstanceData:
    """Masks of the crops of the boxes."""
    size = frame.shape[:2]
    sample = DetDataSample(metainfo=dict(img_id=0, img_shape=size, ori_shape=size))
    sample.gt_instances = InstanceData(bboxes=torch.from_numpy(bboxes))
    image = torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1)))
    (sample,) = model.test_step(dict(inputs=[image], data_samples=[sample]))
    found = sample.pred_instances
    return InstanceData(masks=found.masks, scores=found.scores)


def _by_mask_branch(
    model: MOTSNet, frame: np.ndarray, bboxes: np.ndarray, labels: np.ndarray
) -> InstanceData:
    """Masks of the mask branch, which runs on the boxes in place of detections."""
    data = model.data_preprocessor(frame_batch(model, frame), False)
    (sample,) = data['data_samples'][0].video_data_samples
    x = model.detector.extract_feat(data['inputs'][0])
    scale = x[0].new_tensor(sample.scale_factor).repeat(2)
    boxes = InstanceData(
        bboxes=scale.new_tensor(bboxes) * scale,
        labels=torch.as_tensor(labels, dtype=torch.long, device=scale.device),
    )
    (found,) = model.detector.roi_head.predict_mask(
        x, [sample.metainfo], [boxes], rescale=True
    )
    masks = disjoint_masks(found.masks, found.bboxes[:, 3])
    rois = found.mask_rois / scale
    scores = mask_confidences(masks, found.mask_probs, rois, found.bboxes)
    return InstanceData(masks=masks, scores=scores)


def _check_boxes(
    bboxes: np.ndarray,
    labels: np.ndarray | None,
    size: tuple[int, int],
    num_classes: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes, clipped to the frame, and labels; ValueError if they are no such."""
    bboxes = np.asarray(bboxes)
    labels = np.zeros(bboxes.shape[:1]) if labels is None else np.asarray(labels)
    if bboxes.size == labels.size == 0:
        return np.zeros((0, 4), np.float32), np.zeros(0, int)
    if bboxes.ndim != 2 or bboxes.shape[1] != 4 or bboxes.dtype.kind not in 'iuf':
        raise ValueError(f'bboxes must be (n, 4), got {bboxes.shape} {bboxes.dtype}')
    if labels.shape != bboxes.shape[:1]:
        raise ValueError(
            f'labels must be one for each of {len(bboxes)} boxes, got {labels.shape}'
        )
    if labels.dtype.kind not in 'iuf' or (labels != np.floor(labels)).any():
        raise ValueError(
            f'labels must be the numbers of classes, from 0, got {labels.tolist()}'
        )
    if num_classes and ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError(
            f'labels must lie in 0..{num_classes - 1}, got '
            f'{sorted(set(labels.tolist()))}'
        )
    clipped = np.clip(bboxes.astype(np.float64), 0, [*size[::-1]] * 2)
    for boxes, fault in (
        (bboxes, 'is no box x1 < x2, y1 < y2'),
        (clipped, f'has no pixel in the {size[1]} x {size[0]} frame'),
    ):
        # Written so that it catches nan too.
        for n in np.flatnonzero(~(boxes[:, 2:] > boxes[:, :2]).all(axis=1)):
            raise ValueError(f'bboxes[{n}] {fault}: {bboxes[n].tolist()}')
    return clipped.astype(np.float32), labels.astype(int)

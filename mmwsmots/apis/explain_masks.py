# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import mmcv
import numpy as np
import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData

from mmwsmots.models.mot import MOTSNet
from mmwsmots.models.utils.grad_cam import bbox_head_cams
from mmwsmots.models.utils.pseudo_labels import pseudo_labels, thresholds_of
from mmwsmots.models.utils.roi_grid import expand_bboxes
from mmwsmots.visualization.track_drawer import short_name

from .inference import frame_batch

CONTEXT = 1.6
DEFAULT_CAM_THR = 0.5  # the paper's, for models that take no 1 from the heat maps


@torch.no_grad()
def explain_masks(
    model: MOTSNet,
    img_path: str | Path,
    bboxes: np.ndarray,
    labels: Sequence[int],
    true_masks: np.ndarray | None = None,
    overlap: str | None = None,
    classes: Sequence[str] | None = None,
) -> dict:
    """What the mask branch sees and says for the annotated boxes of a frame.

    Args:
        model (:obj:`MOTSNet`): From :func:`mmwsmots.apis.init_mots_model`.
        img_path (str | Path): The frame.
        bboxes (ndarray): All true boxes, (N, 4), xyxy in pixels of the frame.
        labels (Sequence[int]): Their classes.
        true_masks (ndarray, optional): (N, H, W) bool, to be drawn and compared.
        overlap (str, optional): See :func:`pseudo_labels`; None takes the model's.
        classes (Sequence[str], optional): Names of the classes; None takes the
            model's.

    Returns:
        dict: ``image`` (H, W, 3) BGR uint8; ``bboxes`` (N, 4); ``labels`` (N, );
        ``names``, N words for the classes;
        ``cams`` (N, s, s) in [0, 1], on the boxes' grids; ``rois`` (N, 4) in pixels
        of the frame, the boxes with context; ``pseudo_labels`` (N, m, m) int8, 0,
        1, -1 (void), on the grids of ``rois``; ``cam_thr`` (N, ), their thresholds,
        and ``trains_on_cams``, whether the model learned from them; ``masks`` (N,
        H, W) bool, predicted for the given boxes; ``true_masks`` as given.

    Raises:
        FileNotFoundError: If the frame does not exist.
        ValueError: If boxes, labels and masks are not one per object, or the masks
            have another size than the frame.
    """
    if classes is None:
        classes = model.dataset_meta['classes']
    if not Path(img_path).is_file():
        raise FileNotFoundError(f'{img_path}: no such frame')
    image = mmcv.imread(str(img_path))
    if image is None:
        raise ValueError(f'{img_path}: the frame cannot be read')
    bboxes = np.asarray(bboxes, dtype=np.float32).reshape(-1, 4)
    labels = np.asarray(labels, dtype=np.int64)
    if labels.shape != (len(bboxes),):
        raise ValueError(
            f'{img_path}: {len(bboxes)} bboxes need as many labels, got {labels.shape}'
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
        raise ValueError(f'{img_path}: labels {labels} of {len(classes)} classes')
    names = [classes[label] for label in labels]
    if true_masks is not None and np.shape(true_masks) != (
        len(bboxes),
        *image.shape[:2],
    ):
        raise ValueError(
            f'{img_path}: {len(bboxes)} true_masks of {image.shape[0]} x '
            f'{image.shape[1]} are needed, got {np.shape(true_masks)}'
        )

    x, meta = _extract(model, image)
    roi_head, mask_head = model.detector.roi_head, model.detector.roi_head.mask_head
    scale = x[0].new_tensor(meta['scale_factor']).repeat(2)
    gts = InstanceData(
        bboxes=torch.as_tensor(bboxes, device=scale.device) * scale,
        labels=torch.as_tensor(labels, device=scale.device),
    )
    extractor, bbox_head = roi_head.bbox_roi_extractor, roi_head.bbox_head
    feats = extractor(x[: extractor.num_inputs], bbox2roi([gts.bboxes]))
    # Also of a model that learned without, for the picture.
    cams = getattr(bbox_head, 'cams', partial(bbox_head_cams, bbox_head))
    cams = cams(feats, gts.labels)
    cam_thr = getattr(mask_head, 'cam_thr', None)
    trains_on_cams = cam_thr is not None
    cam_thr = thresholds_of(cam_thr if trains_on_cams else DEFAULT_CAM_THR, gts.labels)
    rois = expand_bboxes(gts.bboxes, CONTEXT)
    targets = pseudo_labels(
        cams,
        gts.bboxes,
        rois,
        torch.arange(len(gts), device=scale.device),
        cams.shape[-1],
        cam_thr,
        overlap or getattr(mask_head, 'overlap', 'void'),
    )
    detections = InstanceData(
        bboxes=gts.bboxes, labels=gts.labels, scores=gts.bboxes.new_ones(len(gts))
    )
    masks = roi_head.predict_mask(x, [meta], [detections], rescale=True)[0].masks
    return dict(
        image=image,
        bboxes=bboxes,
        labels=labels,
        names=[short_name(name) for name in names],
        cams=cams.cpu().numpy(),
        rois=(rois / scale).cpu().numpy(),
        pseudo_labels=targets.cpu().numpy(),
        cam_thr=np.broadcast_to(torch.as_tensor(cam_thr).cpu(), len(bboxes)),
        trains_on_cams=trains_on_cams,
        masks=masks.cpu().numpy(),
        true_masks=None if true_masks is None else np.asarray(true_masks, dtype=bool),
    )


def _extract(model: MOTSNet, image: np.ndarray) -> tuple[tuple, dict]:
    """FPN features of a frame and its metainfo, through the test pipeline."""
    data = model.data_preprocessor(frame_batch(model, image), False)
    sample = data['data_samples'][0].video_data_samples[0]
    return model.detector.extract_feat(data['inputs'][0]), sample.metainfo

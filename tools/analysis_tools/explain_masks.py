# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData

from mmwsmots.apis import segment_boxes
from mmwsmots.apis.inference import frame_batch
from mmwsmots.models.mot import MOTSNet
from mmwsmots.models.roi_heads import GradCAMMaskHead
from mmwsmots.models.roi_heads.gradcam_mask_head import pseudo_labels
from mmwsmots.models.utils.roi_grid import expand_bboxes
from mmwsmots.visualization.track_drawer import short_name

CONTEXT = 1.6


@torch.no_grad()
def explain_masks(
    model: MOTSNet,
    img_path: str | Path,
    bboxes: np.ndarray,
    labels: Sequence[int],
    true_masks: np.ndarray | None = None,
    classes: Sequence[str] | None = None,
) -> dict:
    """What a model sees and says for the annotated boxes of a frame.

    Args:
        model (:obj:`MOTSNet`): From :func:`mmwsmots.apis.init_mots_model`.
        img_path (str | Path): The frame.
        bboxes (ndarray): All true boxes, (N, 4), xyxy in pixels of the frame.
        labels (Sequence[int]): Their classes.
        true_masks (ndarray, optional): (N, H, W) bool, to be drawn and compared.
        classes (Sequence[str], optional): Names of the classes; None takes the
            model's.

    Returns:
        dict: ``image`` (H, W, 3) BGR uint8; ``bboxes`` (N, 4); ``names``, N words for
        the classes; ``rois`` (N, 4) in pixels of the frame, the boxes with context;
        ``masks`` (N, H, W) bool, predicted for the given boxes; ``true_masks`` as
        given. Of a model that learns from heat maps also ``cams`` (N, s, s) in [0, 1],
        on the boxes' grids, and ``pseudo_labels`` (N, s, s) int8, 0, 1, -1 (void), on
        the grids of ``rois``.

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
    shape = (len(bboxes), *image.shape[:2])
    if true_masks is not None and np.shape(true_masks) != shape:
        raise ValueError(
            f'{img_path}: {len(bboxes)} true_masks of {image.shape[0]} x '
            f'{image.shape[1]} are needed, got {np.shape(true_masks)}'
        )

    rois = expand_bboxes(torch.from_numpy(bboxes), CONTEXT)
    explained = dict(
        image=image,
        bboxes=bboxes,
        names=[short_name(classes[label]) for label in labels],
        rois=rois.numpy(),
        true_masks=None if true_masks is None else np.asarray(true_masks, dtype=bool),
    )
    if model.masker is not None:
        explained['masks'] = segment_boxes(model, image, bboxes, labels)
    roi_head = model.detector.roi_head
    has_cams = isinstance(roi_head.mask_head, GradCAMMaskHead)
    if model.masker is not None and not has_cams:
        return explained
    data = model.data_preprocessor(frame_batch(model, image), False)
    meta = data['data_samples'][0].video_data_samples[0].metainfo
    x = model.detector.extract_feat(data['inputs'][0])
    scale = x[0].new_tensor(meta['scale_factor']).repeat(2)
    gts = InstanceData(
        bboxes=torch.as_tensor(bboxes, device=scale.device) * scale,
        labels=torch.as_tensor(labels, device=scale.device),
        scores=scale.new_ones(len(bboxes)),
    )
    if has_cams:
        explained.update(_heat_maps(roi_head, x, gts, rois.to(scale) * scale))
    if model.masker is None:
        (found,) = roi_head.predict_mask(x, [meta], [gts], rescale=True)
        explained['masks'] = found.masks.cpu().numpy()
    return explained


def _heat_maps(
    roi_head: torch.nn.Module, x: tuple, gts: InstanceData, rois: torch.Tensor
) -> dict:
    """Grad-CAM of the boxes and the pseudo labels that it gives on RoIs."""
    extractor, mask_head = roi_head.bbox_roi_extractor, roi_head.mask_head
    feats = extractor(x[: extractor.num_inputs], bbox2roi([gts.bboxes]))
    cams = roi_head.bbox_head.cams(feats, gts.labels)
    labels = pseudo_labels(
        cams,
        gts.bboxes,
        rois,
        torch.arange(len(gts), device=rois.device),
        cams.shape[-1],
        mask_head.cam_thr,
        mask_head.overlap,
    )
    return dict(cams=cams.cpu().numpy(), pseudo_labels=labels.cpu().numpy())

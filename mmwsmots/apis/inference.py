# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

import numpy as np
import torch
from mmdet.apis.inference import build_test_pipeline
from mmdet.registry import DATASETS, MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmengine.structures import InstanceData
from torch import nn

from mmwsmots.models.maskers import BoxMasker
from mmwsmots.models.mot import MOTSNet
from mmwsmots.models.utils.disjoint_masks import disjoint_masks
from mmwsmots.models.utils.mask_confidence import mask_confidences
from mmwsmots.utils import check_device, find_config, read_config_file, weights_only

from . import model_classes
from .model_classes import registered_type

RELEASED = 'mmwsmots::masker/box-masker_mnv2_coco-labels.py'


def read_config(config: str | Path | Config, kind: type) -> tuple[Config, str]:
    """A config of a kind of model, else ValueError, and what messages call it."""
    config = read_config_file(config)
    name = config.filename or 'the config'
    init_default_scope('mmdet')
    if not describes(config, kind):
        found = config.get('model', {}).get('type')
        raise ValueError(f'{name}: model.type must be {kind.__name__}, got {found}')
    return config, name


def describes(config: Config, kind: type) -> bool:
    """Whether a config's model is of a kind."""
    model_class = registered_type(MODELS, config.get('model', {}).get('type'))
    return model_class is not None and issubclass(model_class, kind)


def build_model(config: Config, name: str) -> nn.Module:
    """Build a config's model; ValueError if a setting does not fit it."""
    try:
        return MODELS.build(config.model)
    except (AssertionError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f'{name}: the model cannot be built: {error}') from error


def init_mots_model(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str = 'cpu',
    score_thr: float | None = None,
) -> MOTSNet:
    """Build a trained model for inference; weights that do not fit are refused.

    Args:
        config (str | Path | Config): Config of a :class:`MOTSNet`, its file, or the
            name of one of the project's, see :func:`find_config`.
        checkpoint (str | Path, optional): Its weights; None leaves them random.
        device (str): E.g. 'cpu' or 'cuda:0'.
        score_thr (float, optional): Detection threshold in [0, 1].

    Returns:
        :obj:`MOTSNet`: In evaluation mode, with ``cfg``, ``test_pipeline`` and, in
        ``dataset_meta``, the classes of the checkpoint, or else the config's.

    Raises:
        FileNotFoundError: If the config or the checkpoint does not exist.
        ValueError: If the config cannot be read or built, is of another model, has no
            test pipeline or other numbers of classes than names, the checkpoint is not
            of this model or no plain data, or there is no such device or threshold.
    """
    config, name = read_config(config, MOTSNet)
    device = check_device(device)
    if 'pipeline' not in config.get('test_dataloader', {}).get('dataset', {}):
        raise ValueError(f'{name}: test_dataloader.dataset.pipeline is missing')
    if checkpoint is not None:
        check_exists(checkpoint)
        if notice := model_classes.adopt_classes(config, checkpoint):
            print_log(notice, 'current')
    if score_thr is not None:
        if not isinstance(score_thr, (int, float)) or not 0 <= score_thr <= 1:
            raise ValueError(f'score_thr must lie in 0..1, got {score_thr!r}')
        config.merge_from_dict({'model.detector.test_cfg.rcnn.score_thr': score_thr})
    classes = model_classes.config_classes(config)
    if classes is None:
        raise ValueError(f'{name}: test_dataloader.dataset has no metainfo.classes')
    model = build_model(config, name)
    model_classes.check_num_classes(model, classes, f'the test data set of {name}')
    if checkpoint is not None:
        load_weights(model, checkpoint, name)
    model.cfg = config
    model.test_pipeline = build_test_pipeline(config)
    dataset = config.test_dataloader.dataset
    meta = getattr(registered_type(DATASETS, dataset.type), 'METAINFO', {})
    model.dataset_meta = {**meta, **dataset.get('metainfo', {}), 'classes': classes}
    return model.to(device).eval()


def released_masker() -> tuple[Path, Path]:
    """Config and weights of the :class:`BoxMasker` that comes with the project."""
    config = find_config(RELEASED)
    return config, config.with_suffix('.pth')


def init_box_masker(
    config: str | Path | Config | None = None,
    checkpoint: str | Path | None = None,
    device: str = 'cpu',
) -> BoxMasker:
    """Build a trained masker for inference, in evaluation mode, with its ``cfg``.

    Args and errors are those of :func:`init_mots_model`. Without a ``config``, of a
    :class:`BoxMasker`, it is the one that comes with the project; a config without its
    weights is a ValueError.
    """
    if config is not None and checkpoint is None:
        raise ValueError('a config needs the checkpoint of its weights')
    released_config, released_weights = released_masker()
    config, name = read_config(config or released_config, BoxMasker)
    device = check_device(device)
    checkpoint = checkpoint or released_weights
    check_exists(checkpoint)
    model = build_model(config, name)
    load_weights(model, checkpoint, name)
    model.cfg = config
    return model.to(device).eval()


def frame_batch(
    model: MOTSNet, frame: np.ndarray, frame_id: int = 0, video_length: int = 1
) -> dict:
    """The batch of one frame (H, W, 3) uint8 BGR, for ``model.test_step``."""
    check_frame(frame)
    data = dict(
        img=[frame], ori_shape=[frame.shape[:2]], ori_video_length=[video_length]
    )
    data.update(frame_id=[frame_id], img_id=[frame_id + 1])
    return pseudo_collate([model.test_pipeline(data)])


def check_frame(frame: object) -> None:
    """Raise ValueError, which says what it is, for what is not (H, W, 3) uint8."""
    if frame is None:
        raise ValueError('frame is None: nothing could be read, or the video has ended')
    if not isinstance(frame, np.ndarray):
        raise ValueError(
            'frame must be one BGR image, (H, W, 3) uint8 as cv2.imread gives it, got '
            f'{type(frame).__name__}'
        )
    if not frame.size or frame.shape[2:] != (3,) or frame.dtype != np.uint8:
        what = f'{frame.shape} {frame.dtype}'
        raise ValueError(f'frame must be BGR, (H, W, 3) uint8, got {what}')


def check_exists(checkpoint: str | Path) -> None:
    """Raise FileNotFoundError if there is no such checkpoint."""
    if not Path(checkpoint).is_file():
        raise FileNotFoundError(f'{checkpoint}: no such checkpoint file')


def load_weights(model: nn.Module, checkpoint: str | Path, config_name: str) -> None:
    """Load a checkpoint; ValueError if it is not exactly of the config's model."""
    try:
        with weights_only(checkpoint):
            load_checkpoint(model, str(checkpoint), map_location='cpu', strict=True)
    except EOFError:
        raise ValueError(f'{checkpoint}: the file is cut off') from None
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ValueError(
            f'{checkpoint}: not the weights of {config_name}: {lines[-1][:200]}'
        ) from None
    except (OSError, ValueError):
        raise
    except Exception as error:  # what is no pickle may end in any of them
        raise ValueError(f'{checkpoint}: no checkpoint of PyTorch') from error


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
    """Segment the objects of a frame whose boxes are known, in the order of the boxes.

    Args:
        model (:obj:`BoxMasker` | :obj:`MOTSNet`): From :func:`init_box_masker` or
            :func:`init_mots_model`.
        frame (ndarray): BGR, (H, W, 3) uint8.
        bboxes (ndarray): (n, 4) xyxy in pixels, clipped to the frame; n may be 0.
        labels (ndarray, optional): Classes (n, ), integers from 0; no masker needs any.

    Returns:
        :obj:`InstanceData`: ``masks`` (n, H, W) bool at the frame's own size, disjoint
        by :func:`paste_disjoint` or, of a :class:`MOTSNet` without a masker, the lowest
        box in front; ``scores`` (n, ), the :func:`mask_confidences`.

    Raises:
        ValueError: If an argument is not of that form.
    """
    check_frame(frame)
    is_mots, kind = isinstance(model, MOTSNet), type(model).__name__
    if not is_mots and not isinstance(model, BoxMasker):
        raise ValueError(f'model must be a BoxMasker or a MOTSNet, got {kind}')
    if is_mots and labels is None:
        raise ValueError('a MOTSNet needs labels, the classes of the boxes')
    num_classes = model.detector.roi_head.mask_head.num_classes if is_mots else None
    size = frame.shape[:2]
    bboxes, labels = _check_boxes(bboxes, labels, size, num_classes)
    if len(bboxes) == 0:
        masks = torch.zeros((0, *size), dtype=torch.bool)
        return InstanceData(masks=masks, scores=torch.zeros(0))
    masker = model.masker if is_mots else model
    if masker is None:
        return _by_mask_branch(model, frame, bboxes, labels)
    sample = DetDataSample(metainfo=dict(img_id=0, img_shape=size, ori_shape=size))
    sample.gt_instances = InstanceData(bboxes=torch.from_numpy(bboxes))
    image = torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1)))
    (sample,) = masker.test_step(dict(inputs=[image], data_samples=[sample]))
    found = sample.pred_instances
    return InstanceData(masks=found.masks, scores=found.scores)


def _by_mask_branch(model: MOTSNet, frame, bboxes, labels) -> InstanceData:
    """The mask branch runs on the boxes in place of detections."""
    data = model.data_preprocessor(frame_batch(model, frame), False)
    (sample,) = data['data_samples'][0].video_data_samples
    x = model.detector.extract_feat(data['inputs'][0])
    scale = x[0].new_tensor(sample.scale_factor).repeat(2)
    labels = torch.as_tensor(labels, dtype=torch.long, device=scale.device)
    boxes = InstanceData(bboxes=scale.new_tensor(bboxes) * scale, labels=labels)
    head = model.detector.roi_head
    (found,) = head.predict_mask(x, [sample.metainfo], [boxes], rescale=True)
    masks = disjoint_masks(found.masks, found.bboxes[:, 3])
    rois = found.mask_rois / scale
    scores = mask_confidences(masks, found.mask_probs, rois, found.bboxes)
    return InstanceData(masks=masks, scores=scores)


def _check_boxes(bboxes, labels, size: tuple, num_classes: int | None) -> tuple:
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
        found = labels.tolist()
        raise ValueError(f'labels must be the numbers of classes, from 0, got {found}')
    if num_classes and ((labels < 0) | (labels >= num_classes)).any():
        found = sorted(set(labels.tolist()))
        raise ValueError(f'labels must lie in 0..{num_classes - 1}, got {found}')
    clipped = np.clip(bboxes.astype(np.float64), 0, [*size[::-1]] * 2)
    for boxes, fault in (
        (bboxes, 'is no box x1 < x2, y1 < y2'),
        (clipped, f'has no pixel in the {size[1]} x {size[0]} frame'),
    ):
        # Written so that it catches nan too.
        for n in np.flatnonzero(~(boxes[:, 2:] > boxes[:, :2]).all(axis=1)):
            raise ValueError(f'bboxes[{n}] {fault}: {bboxes[n].tolist()}')
    return clipped.astype(np.float32), labels.astype(int)

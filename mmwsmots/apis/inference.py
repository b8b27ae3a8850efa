# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

import numpy as np
from mmdet.apis.inference import build_test_pipeline
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import nn

from mmwsmots.models.maskers import BoxMasker
from mmwsmots.models.mot import MOTSNet
from mmwsmots.utils import check_device, find_config, read_config_file, weights_only

from .model_classes import (
    adopt_classes,
    check_num_classes,
    config_classes,
    registered_type,
)

RELEASED = 'mmwsmots::masker/box-masker_mnv2_coco-labels.py'


def read_config(config: str | Path | Config, kind: type) -> tuple[Config, str]:
    """A config of a kind of model, and what messages call it.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If it cannot be read, or describes another kind of model.
    """
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
    """Build a trained model for inference.

    Unlike :func:`mmdet.apis.init_track_model` it refuses weights that do not fit
    the config, which would track with random layers.

    Args:
        config (str | Path | Config): Config of a :class:`MOTSNet`, its file, or the
            name of one of the project's, see :func:`find_config`.
        checkpoint (str | Path, optional): Its weights; None leaves them random.
        device (str): E.g. 'cpu' or 'cuda:0'.
        score_thr (float, optional): Detection threshold in [0, 1] in place of the
            config's.

    Returns:
        :obj:`MOTSNet`: In evaluation mode, with the config as ``cfg``, the pipeline
        of its frames as ``test_pipeline`` and its classes in ``dataset_meta``: those
        that the checkpoint was trained on, or else the config's.

    Raises:
        FileNotFoundError: If the config or the checkpoint does not exist.
        ValueError: If the config cannot be read or built, describes another model, has
            no test pipeline or other numbers of classes than names, if the checkpoint
            is not one of this model or holds more than tensors and plain data, or if
            there is no such device or threshold.
    """
    config, name = read_config(config, MOTSNet)
    device = check_device(device)
    if 'pipeline' not in config.get('test_dataloader', {}).get('dataset', {}):
        raise ValueError(f'{name}: test_dataloader.dataset.pipeline is missing')
    if checkpoint is not None:
        check_exists(checkpoint)
        if notice := adopt_classes(config, checkpoint):
            print_log(notice, 'current')
    if score_thr is not None:
        if not isinstance(score_thr, (int, float)) or not 0 <= score_thr <= 1:
            raise ValueError(f'score_thr must lie in 0..1, got {score_thr!r}')
        config.merge_from_dict({'model.detector.test_cfg.rcnn.score_thr': score_thr})
    classes = config_classes(config)
    if classes is None:
        raise ValueError(f'{name}: test_dataloader.dataset has no metainfo.classes')
    model = build_model(config, name)
    check_num_classes(model, classes, f'the test data set of {name}')
    if checkpoint is not None:
        load_weights(model, checkpoint, name)
    model.cfg = config
    model.test_pipeline = build_test_pipeline(config)
    dataset = config.test_dataloader.dataset
    model.dataset_meta = {
        **getattr(registered_type(DATASETS, dataset.type), 'METAINFO', {}),
        **dataset.get('metainfo', {}),
        'classes': classes,
    }
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
    """Build a trained masker for inference.

    Args:
        config (str | Path | Config, optional): Of a :class:`BoxMasker`, as in
            :func:`init_mots_model`. None takes the one that comes with the project.
        checkpoint (str | Path, optional): Its weights. None takes those that come with
            the project; only without a config.
        device (str): E.g. 'cpu' or 'cuda:0'.

    Returns:
        :obj:`BoxMasker`: In evaluation mode, with the config as ``cfg``.

    Raises:
        FileNotFoundError: If the config or the checkpoint does not exist.
        ValueError: As :func:`init_mots_model`, or if a config comes without its
            weights.
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
    """The batch of one frame (H, W, 3) uint8 BGR, for ``model.test_step``.

    :func:`mmdet.apis.inference_mot` builds the pipeline anew for every frame.
    """
    check_frame(frame)
    data = dict(
        img=[frame],
        frame_id=[frame_id],
        ori_shape=[frame.shape[:2]],
        img_id=[frame_id + 1],
        ori_video_length=[video_length],
    )
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
    is_image = frame.ndim == 3 and frame.shape[2] == 3 and frame.size > 0
    if not is_image or frame.dtype != np.uint8:
        what = f'{frame.shape} {frame.dtype}'
        raise ValueError(f'frame must be BGR, (H, W, 3) uint8, got {what}')


def check_exists(checkpoint: str | Path) -> None:
    """Raise FileNotFoundError if there is no such checkpoint."""
    if not Path(checkpoint).is_file():
        raise FileNotFoundError(f'{checkpoint}: no such checkpoint file')


def load_weights(model: nn.Module, checkpoint: str | Path, config_name: str) -> None:
    """Load a checkpoint that must hold exactly the weights of the config's model.

    Raises:
        ValueError: If the file is cut off, holds other weights, or more than tensors
            and plain data.
    """
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

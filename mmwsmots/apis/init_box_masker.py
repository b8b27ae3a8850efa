# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmwsmots.models.maskers import BoxMasker
from mmwsmots.utils import check_device

from .inference import check_exists, load_weights
from .model_classes import registered_type
from .released_masker import released_masker


def init_box_masker(
    config: str | Path | Config | None = None,
    checkpoint: str | Path | None = None,
    device: str = 'cpu',
) -> BoxMasker:
    """Build a trained masker for inference.

    Args:
        config (str | Path | Config, optional): Config, or its file, of a
            :class:`BoxMasker`. None takes the one that comes with the project.
        checkpoint (str | Path, optional): Its weights. None takes those that come with
            the project; only without a config.
        device (str): E.g. 'cpu' or 'cuda:0'. Defaults to 'cpu'.

    Returns:
        :obj:`BoxMasker`: In evaluation mode, with the config as ``cfg``.

    Raises:
        FileNotFoundError: If the config or the checkpoint does not exist.
        ValueError: If the config describes another model, a config comes without its
            weights, the checkpoint is not one of this model or holds more than tensors
            and plain data, or there is no such device.
    """
    if config is not None and checkpoint is None:
        raise ValueError('a config needs the checkpoint of its weights')
    released_config, released_weights = released_masker()
    config = config or released_config
    name = 'the config'
    if not isinstance(config, Config):
        name = config
        if not Path(config).is_file():
            raise FileNotFoundError(f'{config}: no such config file')
        config = Config.fromfile(config)
    init_default_scope('mmdet')
    device = check_device(device)
    if not is_masker(config):
        raise ValueError(f'{name}: model.type must be BoxMasker')
    checkpoint = checkpoint or released_weights
    check_exists(checkpoint)
    model = MODELS.build(config.model)
    load_weights(model, checkpoint, name)
    model.cfg = config
    return model.to(device).eval()


def is_masker(config: Config) -> bool:
    """Whether a config describes a :class:`BoxMasker`."""
    model_class = registered_type(MODELS, config.get('model', {}).get('type'))
    return model_class is not None and issubclass(model_class, BoxMasker)

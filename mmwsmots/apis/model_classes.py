# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The classes of a config, a checkpoint and a model, which have to be the same."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import Registry
from mmengine.runner import CheckpointLoader
from torch import nn

from mmwsmots.fileio.classes import check_class_names, fold
from mmwsmots.utils import weights_only

HEADS = ('bbox_head', 'mask_head', 'track_head')
# Settings that may be lists with a number for each class.
PER_CLASS = ('match_sim_thr', 'num_frames_retain')


def registered_type(registry: Registry, kind: str | type | None) -> type | None:
    """The class of a config's ``type``, which may be the class; None if unknown."""
    return registry.get(kind) if isinstance(kind, str) else kind


def config_classes(cfg: Config, split: str = 'test') -> tuple[str, ...] | None:
    """Names of the classes of a data set ('train', 'val', 'test'), if there are any."""
    for dataset in _datasets(cfg.get(f'{split}_dataloader')):
        classes = dataset.get('metainfo', {}).get('classes')
        if classes is None:
            kind = registered_type(DATASETS, dataset.get('type'))
            classes = getattr(kind, 'METAINFO', {}).get('classes')
        if classes is not None:
            return check_class_names(classes, f'classes of the {split} data set')
    return None


def set_classes(cfg: Config, classes: Sequence[str]) -> None:
    """Give a config other classes, in place: its data sets, heads and settings.

    Settings with a number for each class keep those of classes that stay; others get
    the mean of all. ValueError if the classes are no list of different names.
    """
    classes = check_class_names(classes, 'classes')
    before = config_classes(cfg, 'train') or config_classes(cfg) or ()
    for split in ('train', 'val', 'test'):
        for dataset in _datasets(cfg.get(f'{split}_dataloader')):
            kind = registered_type(DATASETS, dataset.get('type'))
            if isinstance(kind, type) and issubclass(kind, BaseDataset):
                dataset.metainfo = dict(classes=classes)
    _set_in_model(cfg.model, before, classes)


def _set_in_model(part: Any, before: Sequence[str], classes: Sequence[str]) -> None:
    """Change the settings of a part of a model's config and of all parts of it."""
    for item in part if isinstance(part, (list, tuple)) else ():
        _set_in_model(item, before, classes)
    for key, value in list(part.items()) if isinstance(part, dict) else ():
        values = value if isinstance(value, (list, tuple)) else [value]
        for head in values if key in HEADS else ():
            if isinstance(head, dict):
                head['num_classes'] = len(classes)
        if key in PER_CLASS and values is value and len(value) == len(before):
            known = {fold(name): number for name, number in zip(before, value)}
            mean = type(value[0])(sum(value) / len(value))
            part[key] = [known.get(fold(name), mean) for name in classes]
        elif key != 'rpn_head':
            _set_in_model(value, before, classes)


def _datasets(part: Any) -> Iterator[dict]:
    """The data sets in a part of a config, without those that wrap others."""
    if isinstance(part, (list, tuple)):
        for item in part:
            yield from _datasets(item)
    elif isinstance(part, dict):
        inner = part.get('datasets') or part.get('dataset')
        yield from [part] if inner is None else _datasets(inner)


def checkpoint_classes(checkpoint: str | Path) -> tuple[str, ...] | None:
    """Classes that a checkpoint says it was trained on; see :func:`weights_only`."""
    with weights_only(checkpoint):
        try:
            load = CheckpointLoader.load_checkpoint
            content = load(str(checkpoint), 'cpu', logger='silent')
        except UnpicklingError:
            raise
        except Exception:  # whoever loads the weights will say what is damaged
            return None
    for key in ('meta', 'dataset_meta', 'classes'):
        content = content.get(key) if isinstance(content, Mapping) else None
    return tuple(content) if content and isinstance(content, (list, tuple)) else None


def adopt_classes(cfg: Config, checkpoint: str | Path) -> str | None:
    """Give a config, in place, a checkpoint's classes; a notice if it had others."""
    trained, named = checkpoint_classes(checkpoint), config_classes(cfg)
    if trained is None or _same(trained, named):
        return None
    set_classes(cfg, trained)
    return (
        f'{checkpoint} was trained on {", ".join(trained)}: these are the classes, in '
        f'place of {", ".join(named or ["none"])} of the config'
    )


def check_resumed_classes(cfg: Config, checkpoint: str | Path) -> None:
    """Raise ValueError if a training would go on from a checkpoint of other classes."""
    trained, named = checkpoint_classes(checkpoint), config_classes(cfg, 'train')
    if trained and named and not _same(trained, named):
        raise ValueError(
            f'{checkpoint} was trained on {", ".join(trained)}, the config trains on '
            f'{", ".join(named)}'
        )


def check_num_classes(model: nn.Module, classes: Sequence[str], where: str) -> None:
    """ValueError if a head has another ``num_classes`` than the data of ``where``."""
    for name, module in model.named_modules():
        number = getattr(module, 'num_classes', None)
        if name.endswith('rpn_head') or getattr(module, 'class_agnostic', False):
            continue
        if isinstance(number, int) and number != len(classes):
            raise ValueError(
                f'model.{name}.num_classes is {number}, but {where} has '
                f'{len(classes)} classes: {", ".join(classes)}'
            )


def _same(classes: Sequence[str], others: Sequence[str] | None) -> bool:
    """Whether two lists of names are the same but for case."""
    return [*map(fold, classes)] == [*map(fold, others or ())]

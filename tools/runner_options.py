# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What the command lines of train.py and test.py share.

What takes seconds to import is imported where it is used, after the
command line has been read.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import DictAction

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import Runner
    from torch.nn import Module
    from torch.utils.data import Dataset


def add_runner_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that both tools have.

    Args:
        parser (ArgumentParser): Gets ``--work-dir``, ``--cfg-options`` and
            ``--launcher``.
    """
    parser.add_argument(
        '--work-dir', help='folder for logs and results (work_dirs/<config name>)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='overwrite settings of the config: key=value, nested keys with dots, '
        'lists as key="[a,b]" or key=a,b, without spaces',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help="names of the classes in place of the config's; its heads and settings "
        'for each class follow',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes (pytorch: torchrun)',
    )


def existing_file(name: str) -> str:
    """Argument type of a file that must be there.

    Args:
        name (str): Path, or a URL, which is not looked up.

    Returns:
        str: The same.

    Raises:
        ArgumentTypeError: If there is no such file.
    """
    if '://' not in name and not Path(name).is_file():
        raise argparse.ArgumentTypeError(f'{name}: no such file')
    return name


def positive(text: str) -> int:
    """Argument type of a number of things.

    Args:
        text (str): What was given.

    Returns:
        int: The number.

    Raises:
        ArgumentTypeError: If it is no whole number from 1 on.
    """
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'expected a whole number >= 1, got "{text}"')
    return int(text)


def load_config(args: argparse.Namespace) -> 'Config':
    """Read the config of a run and merge the command line into it.

    Args:
        args (Namespace): ``config`` and the options of :func:`add_runner_options`.

    Returns:
        Config: Ready for mmengine's Runner, also in CPU processes.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If it cannot be read.
    """
    from mmwsmots.apis import set_classes
    from mmwsmots.utils import prepare_cpu_processes, read_config_file

    cfg = read_config_file(args.config)
    cfg.launcher = args.launcher
    if args.classes is not None:
        set_classes(cfg, args.classes)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))
    prepare_cpu_processes(cfg)
    return cfg


def build_runner(cfg: 'Config', split: str) -> 'Runner':
    """Build a run up to where it would start, so that what does not fit shows first.

    Args:
        cfg (Config): From :func:`load_config`.
        split (str): 'train' or 'test'.

    Returns:
        Runner: With its model and its data set.

    Raises:
        ValueError: If a setting, the data set or the classes do not fit the model.
    """
    from mmengine.runner import Runner

    from mmwsmots.apis.model_classes import check_num_classes, config_classes

    try:
        runner = Runner.from_cfg(cfg)
        classes = config_classes(cfg, split)
        if classes is not None:
            where = f'the {split} data set of {cfg.filename}'
            check_num_classes(runner.model, classes, where)
        splits = [split]
        if split == 'train' and runner.val_loop is not None:
            splits.append('val')
        loops = [getattr(runner, f'{name}_loop') for name in splits]
    except (KeyError, TypeError) as error:
        raise ValueError(f'{cfg.filename}: cannot be built: {error}') from error
    if split == 'train':
        _check_initial_weights(runner.model)
    for name, loop in zip(splits, loops):
        dataset = loop.dataloader.dataset
        paths = [Path(path) for path in image_paths(dataset) if '://' not in path]
        missing = [path for path in paths if not path.is_file()]
        if missing and getattr(dataset, 'backend_args', None) is None:
            raise ValueError(
                f'{missing[0]}: no such picture, the {name} data set lacks '
                f'{len(missing)} of {len(paths)}; is its data_prefix right?'
            )
    return runner


def _check_initial_weights(model: 'Module') -> None:
    """Raise ValueError if a file that a part of a model starts from is missing."""
    for module in model.modules():
        init_cfg = getattr(module, 'init_cfg', None) or []
        for cfg in init_cfg if isinstance(init_cfg, list) else [init_cfg]:
            path = cfg.get('checkpoint') or ''
            if path and '://' not in path and not Path(path).is_file():
                kind = type(module).__name__
                raise ValueError(f'{path}: no such file, weights of the {kind}')


@contextmanager
def broken_pictures_named() -> Iterator[None]:
    """End a run at a picture that cannot be read, or does not fit its annotations.

    It is found on the way, maybe by a process that loads data, whose traceback is then
    the message.
    """
    from mmwsmots.datasets.transforms.loading import FrameError

    try:
        yield
    except FrameError as error:
        sys.exit(f'error: {error}')
    except AssertionError as error:  # of mmcv's LoadImageFromFile
        _, failed, path = str(error).rpartition('failed to load image: ')
        if not failed:
            raise
        sys.exit(f'error: {path.strip()}: the picture cannot be read')


def image_paths(dataset: 'Dataset') -> list[str]:
    """Files of the images of a data set, none if it has no images."""
    count = len(dataset) if hasattr(dataset, 'get_data_info') else 0
    infos = (dataset.get_data_info(index) for index in range(count))
    return [image['img_path'] for info in infos for image in info.get('images', [info])]

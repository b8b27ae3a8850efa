# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Train a model: ``python tools/train.py CONFIG``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from runner_options import (
    add_runner_options,
    broken_pictures_named,
    build_runner,
    existing_file,
    load_config,
)


def _has_gpu() -> bool:
    from mmengine.device import get_device

    return get_device() != 'cpu'


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments; those of the process by default.

    Returns:
        Namespace: The options.
    """
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument(
        'config', help="config file, or the name of one of the project's"
    )
    add_runner_options(parser)
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision (on GPUs)'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate from auto_scale_lr.base_batch_size to the '
        'batch size of this run',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        type=lambda name: name if name == 'auto' else existing_file(name),
        help='go on from a checkpoint, by default the last one in the work dir. '
        'A checkpoint carries its config, which is Python code and is run: resume '
        'only your own',
    )
    args = parser.parse_args(argv)
    if args.amp and not _has_gpu():
        # mmengine would say so only after the model was built, as an assertion.
        parser.error('--amp needs a GPU: mmengine has no mixed precision on the CPU')
    return args


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before torch and mmdet are imported

from mmengine.config import Config
from mmengine.runner import find_latest_checkpoint

from mmwsmots.apis.model_classes import check_resumed_classes
from mmwsmots.utils import weights_only


def apply_train_options(cfg: Config, args: argparse.Namespace) -> None:
    """Write the training options into the config.

    Args:
        cfg (Config): Changed in place.
        args (Namespace): ``amp``, ``auto_scale_lr`` and ``resume``.

    Raises:
        ValueError: If the learning rate is to be scaled and the config does not say
            for which batch size it is meant, or there is no checkpoint to go on from,
            or one of other classes.
    """
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise ValueError(f'{args.config}: no auto_scale_lr.base_batch_size')
        cfg.auto_scale_lr.enable = True
    if args.resume is not None:
        named = None if args.resume == 'auto' else args.resume
        last = named or find_latest_checkpoint(cfg.work_dir)
        if last is not None:  # a first run starts from the config's load_from
            cfg.resume, cfg.load_from = True, named
            if not Path(last).is_file():  # a kill can leave the note empty
                raise ValueError(
                    f'{cfg.work_dir}/last_checkpoint names no file, but "{last}": give '
                    '--resume the checkpoint to go on from'
                )
            check_resumed_classes(cfg, last)


def main(argv: Sequence[str] | None = None) -> None:
    """Train the model of a config.

    Args:
        argv (Sequence[str], optional): Arguments; those of the process by default.
    """
    args = parse_args(argv)
    try:
        cfg = load_config(args)
        apply_train_options(cfg, args)
        runner = build_runner(cfg, 'train')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    checkpoint = cfg.get('load_from') or 'the last checkpoint'
    with broken_pictures_named(), weights_only(checkpoint):
        runner.train()


if __name__ == '__main__':
    main()

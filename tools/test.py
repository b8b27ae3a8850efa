# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Test a model: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import sys
from collections.abc import Sequence

from runner_options import (
    add_runner_options,
    build_runner,
    existing_file,
    load_config,
)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments; those of the process by default.

    Returns:
        Namespace: The options.
    """
    parser = argparse.ArgumentParser(description='Test a model')
    parser.add_argument(
        'config', help="config file, or the name of one of the project's"
    )
    parser.add_argument('checkpoint', type=existing_file, help='weights of the model')
    add_runner_options(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from mmengine.logging import print_log

from mmwsmots.apis.inference import load_weights
from mmwsmots.apis.model_classes import adopt_classes
from mmwsmots.utils import weights_only


def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    """Test a model on the test set of its config.

    Args:
        argv (Sequence[str], optional): Arguments; those of the process by default.

    Returns:
        dict[str, float]: The metrics.
    """
    args = parse_args(argv)
    try:
        cfg = load_config(args)
        cfg.load_from = args.checkpoint
        cfg.resume = False
        is_file = '://' not in args.checkpoint
        if is_file and (notice := adopt_classes(cfg, args.checkpoint)):
            print_log(notice)
        runner = build_runner(cfg, 'test')
        # The runner would leave layers without weights as they are, random.
        load_weights(runner.model, args.checkpoint, args.config)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    with weights_only(args.checkpoint):
        return runner.test()


if __name__ == '__main__':
    main()

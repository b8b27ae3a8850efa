# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Test a model: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import sys
from collections.abc import Sequence
from glob import escape
from pathlib import Path

from runner_options import (
    add_runner_options,
    broken_pictures_named,
    build_runner,
    existing_file,
    image_paths,
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
    parser.add_argument(
        '--overwrite', action='store_true', help='replace results that are there'
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before torch and mmdet are imported

from mmengine.dist import barrier
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmwsmots.apis.inference import load_weights
from mmwsmots.apis.model_classes import adopt_classes
from mmwsmots.evaluation.metrics import MOTSMetric
from mmwsmots.fileio import check_existing
from mmwsmots.fileio.classes import check_labels, class_numbers
from mmwsmots.fileio.mots_txt import sequence_name
from mmwsmots.utils import weights_only


def check_outputs(runner: Runner, overwrite: bool) -> None:
    """Look at what lies where the metrics of a test write their files.

    Args:
        runner (Runner): Its metrics name a folder, a file, or the start of the names
            of files, as mmdet's do.
        overwrite (bool): Whether to replace what is there.

    Raises:
        FileExistsError: If the test would replace something without being told to.
        ValueError: If a folder has results of other classes.
    """
    dataset, names = runner.test_loop.dataloader.dataset, set()
    for path in image_paths(dataset):
        names |= {sequence_name(path), Path(path).stem}
    for metric in runner.test_loop.evaluator.metrics:
        for key in ('outfile_prefix', 'out_dir', 'out_file', 'out_file_path'):
            if getattr(metric, key, None) is None:
                continue
            path = Path(getattr(metric, key))
            texts = [path / f'{name}.txt' for name in sorted(names)]
            lines = [path / f'{name}.jsonl' for name in sorted(names)]
            files = sorted(path.parent.glob(f'{escape(path.name)}.*.json'))
            files += [path] if path.is_file() else []
            check_existing([*texts, *lines, *files], overwrite=overwrite)
            if texts and isinstance(metric, MOTSMetric):
                check_labels(texts, class_numbers(dataset.metainfo['classes']))
    barrier()  # no process may write while another one still looks


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
        check_outputs(runner, args.overwrite)
        # The runner would leave layers without weights as they are, random.
        load_weights(runner.model, args.checkpoint, args.config)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    with broken_pictures_named(), weights_only(args.checkpoint):
        return runner.test()


if __name__ == '__main__':
    main()

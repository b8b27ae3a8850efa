# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import logging
import warnings
from typing import Any

import mmengine.fileio.file_client
import mmengine.logging

END = 'Reach the end of the dataloader'


def quiet_dependencies() -> None:
    """Leave out what the dependencies say that no user of ours can act on.

    Each message by its category and the module that it comes from; everything else
    that these packages say stays. For command lines, before mmdet's models and data
    sets are imported: a program that imports the package keeps its own settings.
    """
    # An optional package of another metric.
    warnings.filterwarnings(
        'ignore',
        category=UserWarning,
        module=r'mmdet\.evaluation\.metrics\.faster_coco_metric',
    )
    # The end of an epoch, which our samplers reach by design.
    warnings.filterwarnings(
        'ignore', message=END, category=UserWarning, module=r'mmengine\.runner\.loops'
    )
    _log_no_ends()
    # mmengine's own hook for checkpoints uses what mmengine deprecates.
    mmengine.fileio.file_client.print_log = _say_nothing
    _import_without_debug_messages()


def _log_no_ends() -> None:
    """The same in onedl's mmengine, which logs it."""
    from mmengine.runner import loops

    print_log = getattr(loops, 'print_log', _say_nothing)

    def print_others(msg: Any, *args: Any, **kwargs: Any) -> None:
        if not str(msg).startswith(END):
            print_log(msg, *args, **kwargs)

    loops.print_log = print_others


def _say_nothing(*args: Any, **kwargs: Any) -> None:
    """In place of ``print_log`` in a module that only says what it deprecates."""


def _import_without_debug_messages() -> None:
    """Import mmdet's data sets, which print debug messages while no logger is there."""
    print_log = mmengine.logging.print_log

    def print_log_above_debug(
        msg: Any, logger: Any = None, level: int = logging.INFO
    ) -> None:
        if logger is not None or level > logging.DEBUG:
            print_log(msg, logger, level)

    mmengine.logging.print_log = print_log_above_debug
    try:
        import mmdet.datasets  # noqa: F401
    finally:
        mmengine.logging.print_log = print_log

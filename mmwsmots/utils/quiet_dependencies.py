# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import logging
import warnings
from functools import cache
from types import ModuleType
from typing import Any

import mmengine.fileio.file_client
import mmengine.logging

END = 'Reach the end of the dataloader'
FROZEN = 'is skipped since its requires_grad=False'


@cache
def quiet_dependencies() -> None:
    """Leave out what the dependencies say that no user of ours can act on.

    Each message by its text or category and the module that it comes from; everything
    else that these packages say stays. Called where the package first imports mmdet's
    data sets, so that programs are as quiet as the command lines. A second call does
    nothing.
    """
    from mmengine.optim.optimizer import default_constructor
    from mmengine.runner import loops

    # An optional package of another metric.
    warnings.filterwarnings(
        'ignore',
        category=UserWarning,
        module=r'mmdet\.evaluation\.metrics\.faster_coco_metric',
    )
    # The end of an epoch, which our samplers reach by design; onedl's mmengine logs it.
    warnings.filterwarnings(
        'ignore', message=END, category=UserWarning, module=r'mmengine\.runner\.loops'
    )
    _leave_out(loops, END)
    # The frozen layers of a backbone, one by one.
    _leave_out(default_constructor, FROZEN)
    # mmengine's own hooks use what mmengine deprecates; the module says nothing else.
    _leave_out(mmengine.fileio.file_client, 'deprecated in future')
    _import_without_debug_messages()


def _leave_out(module: ModuleType, text: str) -> None:
    """Let a module log no message that contains the text."""
    print_log = getattr(module, 'print_log', None)

    def print_others(msg: Any, *args: Any, **kwargs: Any) -> None:
        if text not in str(msg):
            print_log(msg, *args, **kwargs)

    if print_log is not None:  # mmengine 0.10.7 has other ways to say it
        module.print_log = print_others


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

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import logging
import warnings
from collections.abc import Callable
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

    Called where the package first imports mmdet's data sets.
    """
    from mmengine.optim.optimizer import default_constructor
    from mmengine.runner import loops

    for module, message in (
        (r'mmdet\.evaluation\.metrics\.faster_coco_metric', ''),  # an optional package
        # The end of an epoch, which our samplers reach by design; onedl's logs it.
        (r'mmengine\.runner\.loops', END),
    ):
        warnings.filterwarnings('ignore', message, UserWarning, module)
    _leave_out(loops, lambda text, *_: END in text)
    # The frozen layers of a backbone, one by one.
    _leave_out(default_constructor, lambda text, *_: FROZEN in text)
    # mmengine's own hooks use what mmengine deprecates; the module says nothing else.
    file_client = mmengine.fileio.file_client
    _leave_out(file_client, lambda text, *_: 'deprecated in future' in text)
    # mmdet's data sets print debug messages while no logger is there.
    print_log = mmengine.logging.print_log
    _leave_out(
        mmengine.logging,
        lambda _, logger, level: logger is None and level <= logging.DEBUG,
    )
    try:
        import mmdet.datasets  # noqa: F401
    finally:
        mmengine.logging.print_log = print_log


def _leave_out(module: ModuleType, is_noise: Callable[[str, Any, int], bool]) -> None:
    """Let a module log no message that is noise by its text, logger and level."""
    print_log = getattr(module, 'print_log', None)

    def print_others(msg: Any, logger: Any = None, level: int = logging.INFO) -> None:
        if not is_noise(str(msg), logger, level):
            print_log(msg, logger, level)

    if print_log is not None:  # mmengine 0.10.7 has other ways to say it
        module.print_log = print_others

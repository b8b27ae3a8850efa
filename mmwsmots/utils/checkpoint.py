# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
TRUST = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
# Whether types can be named as safe, under the names that files have for them. These
# names came with this function, in PyTorch 2.6.
TYPES_CAN_BE_NAMED = hasattr(torch.serialization, 'get_unsafe_globals_in_checkpoint')


def _mmengine_types() -> list:
    """What the message hub in checkpoints of mmengine 0.10.7 holds; none runs code."""
    dtypes = {type(np.dtype(code)) for code in (*np.typecodes['AllInteger'], *'?efdg')}
    # Pickle names a method as getattr(class, name).
    method = _history_method, 'builtins.getattr'
    names = [method, HistoryBuffer, np.ndarray, np.dtype, *dtypes]
    for name, value in (('_reconstruct', np.zeros(1)), ('scalar', np.float64(0))):
        for module in ('numpy.core', 'numpy._core'):  # before and since NumPy 2
            names.append((value.__reduce__()[0], f'{module}.multiarray.{name}'))
    return names


def _history_method(owner: Any, name: str) -> Callable:
    """``getattr`` for the statistics of a history buffer, and for nothing else."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise UnpicklingError(f'refused to take {name!r} of {owner!r}')
    return getattr(owner, name)


@contextmanager
def weights_only(checkpoint: str | Path = 'the checkpoint') -> Iterator[None]:
    """Load checkpoints as data, never as code, inside the block.

    Since 2.6 PyTorch refuses what mmengine 0.10.7 saves: its few types are allowed.
    onedl-mmengine falls back to ``weights_only=False``, which runs the code that a file
    names: such a file is refused. With PyTorch's ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1``
    the block does nothing, before PyTorch 2.6 it only warns: our own checkpoints could
    not be read.

    Raises:
        ValueError: If the file, named ``checkpoint`` in the message, is none, or holds
            more than tensors and plain data.
    """
    if os.environ.get(TRUST, '0').lower() in ('1', 'y', 'yes', 'true'):
        yield
        return
    if not TYPES_CAN_BE_NAMED:
        warnings.warn(
            f"PyTorch {torch.__version__} cannot load mmengine's checkpoints as data "
            f'alone: if {checkpoint} holds code, it runs',
            RuntimeWarning,
            stacklevel=3,
        )
        try:
            yield
        except UnpicklingError as error:
            raise ValueError(f'{checkpoint}: no checkpoint of PyTorch') from error
        return
    before = os.environ.get(FORCE)
    os.environ[FORCE] = '1'
    try:
        with torch.serialization.safe_globals(_mmengine_types()):
            yield
    except UnpicklingError as error:
        raise ValueError(
            f'{checkpoint} holds more than tensors and plain data, or is no '
            'checkpoint: loading it could run foreign code; if you trust its source, '
            f'set {TRUST}=1'
        ) from error
    finally:
        os.environ.pop(FORCE, None)
        if before is not None:
            os.environ[FORCE] = before

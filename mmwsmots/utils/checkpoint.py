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
    """What the checkpoints of mmengine's runner hold beside tensors.

    The message hub: :class:`HistoryBuffer` and NumPy's arrays and numbers. mmengine
    0.10.7 does not name them as safe. Nothing that runs code is among them.
    """
    reconstruct = np.zeros(1).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    dtypes = {type(np.dtype(code)) for code in (*np.typecodes['AllInteger'], *'?efdg')}
    # Pickle names a method as getattr(class, name).
    method = _history_method, 'builtins.getattr'
    names = [method, HistoryBuffer, np.ndarray, np.dtype, *dtypes]
    for module in ('numpy.core', 'numpy._core'):  # before and since NumPy 2
        names.append((reconstruct, f'{module}.multiarray._reconstruct'))
        names.append((scalar, f'{module}.multiarray.scalar'))
    return names


def _history_method(owner: Any, name: str) -> Callable:
    """``getattr`` for the statistics of a history buffer, and for nothing else."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise UnpicklingError(f'refused to take {name!r} of {owner!r}')
    return getattr(owner, name)


@contextmanager
def weights_only(checkpoint: str | Path = 'the checkpoint') -> Iterator[None]:
    """Load checkpoints as data, never as code, inside the block.

    PyTorch loads with ``weights_only=True`` by default since 2.6, and then refuses what
    mmengine 0.10.7 saves; in this block its few types are allowed. onedl-mmengine falls
    back to ``weights_only=False``, which runs whatever code a file names; in this block
    such a file is refused. Whoever trusts it sets PyTorch's
    ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1``, and the block does nothing. Before PyTorch
    2.6 it does nothing but warn, as not even a checkpoint of our own could be read.

    Args:
        checkpoint (str | Path): Name of the file, for the error.

    Raises:
        ValueError: If the file is no checkpoint, or holds other objects than tensors
            and plain data.
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
        if before is None:
            del os.environ[FORCE]
        else:
            os.environ[FORCE] = before

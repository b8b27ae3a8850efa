# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
TRUST = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'


@contextmanager
def weights_only(checkpoint: str | Path = 'the checkpoint') -> Iterator[None]:
    """Load checkpoints as data, never as code, inside the block.

    PyTorch loads with ``weights_only=True`` by default since 2.6. mmengine passes
    the few types that its own checkpoints need, but where a file holds others it
    falls back to ``weights_only=False``, which runs whatever code the file names.
    In this block such a file is refused. Whoever trusts it sets PyTorch's
    ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1``, and the block does nothing.

    Args:
        checkpoint (str | Path): Name of the file, for the error.

    Yields:
        None: Nothing.

    Raises:
        ValueError: If the file holds other objects than tensors and plain data.
    """
    if os.environ.get(TRUST, '0').lower() in ('1', 'y', 'yes', 'true'):
        yield
        return
    before = os.environ.get(FORCE)
    os.environ[FORCE] = '1'
    try:
        yield
    except UnpicklingError as error:
        raise ValueError(
            f'{checkpoint} holds more than tensors and plain data, and loading it '
            f'could run foreign code; if you trust its source, set {TRUST}=1'
        ) from error
    finally:
        if before is None:
            del os.environ[FORCE]
        else:
            os.environ[FORCE] = before

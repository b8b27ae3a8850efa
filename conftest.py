# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
from pathlib import Path

# Tests fork, and OpenMP's threads are not there in a forked process: it would wait.
os.environ.setdefault('OMP_NUM_THREADS', '1')

import pytest
from mmengine.registry import DefaultScope

import mmwsmots  # noqa: F401  (registers every component)

REPO = Path(__file__).resolve().parent
# Groups of processes on one machine: whatever its name resolves to must not matter.
os.environ.setdefault('GLOO_SOCKET_IFNAME', 'lo')


def pytest_collection_modifyitems(items):
    """What takes longest comes first: at the end one process would wait for it."""
    items.sort(key=lambda item: item.path.name != 'test_wheel.py')


@pytest.fixture(scope='session', autouse=True)
def mmdet_scope():
    """Build from mmdet's registries, as a running config does."""
    DefaultScope.get_instance('mmwsmots_tests', scope_name='mmdet')


@pytest.fixture(scope='session')
def repo() -> Path:
    """Root of the checkout."""
    return REPO


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Folder of real, non-commercial data; the test is skipped without it.

    ``$MMWSMOTS_SHARED_DATA`` names the folder; its default is ``shared/data``
    beside the checkout.
    """
    path = Path(os.environ.get('MMWSMOTS_SHARED_DATA', REPO.parent / 'shared/data'))
    if not path.is_dir():
        pytest.skip(f'no real data at {path} (set MMWSMOTS_SHARED_DATA)')
    return path

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mmwsmots import ops

CUDA_SOURCES = sorted(Path(ops.__file__).parent.glob('csrc/common/cuda/*.cu'))
ARCHITECTURES = ('sm_75', 'sm_80', 'sm_90')


def nvcc():
    home = Path(os.environ.get('CUDA_HOME', '/usr/local/cuda'))
    return shutil.which('nvcc') or shutil.which('nvcc', path=home / 'bin')


@pytest.mark.skipif(nvcc() is None, reason='there is no nvcc')
@pytest.mark.parametrize('source', CUDA_SOURCES, ids=lambda path: path.name)
def test_kernels_compile_without_torch(source, tmp_path):
    """By plain nvcc, for the oldest and the newest devices that are supported."""
    targets = [
        f'-gencode=arch={name.replace("sm", "compute")},code={name}'
        for name in ARCHITECTURES
    ]
    command = [nvcc(), '-std=c++17', '-c', *targets, '-Werror=all-warnings']
    subprocess.run([*command, source, '-o', tmp_path / 'kernels.o'], check=True)
    assert (tmp_path / 'kernels.o').stat().st_size > 0

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mmwsmots import ops

CUDA_SOURCES = sorted(Path(ops.__file__).parent.glob('csrc/common/cuda/*.cu'))
ARCHITECTURES = ('sm_75', 'sm_80', 'sm_90', 'sm_100')


def nvcc():
    home = Path(os.environ.get('CUDA_HOME', '/usr/local/cuda'))
    return shutil.which('nvcc') or shutil.which('nvcc', path=home / 'bin')


def knows_devices():
    """Whether there is an nvcc, neither too old nor too new for the devices."""
    if nvcc() is None:
        return False
    listed = subprocess.check_output(
        [nvcc(), '--list-gpu-code'], text=True, timeout=300
    )
    return set(ARCHITECTURES) <= set(listed.split())


pytestmark = pytest.mark.skipif(
    not knows_devices(), reason=f'there is no nvcc for {", ".join(ARCHITECTURES)}'
)


def compile_by_nvcc(source, target, architectures=ARCHITECTURES):
    """Compile for devices, without torch; what ptxas says of each kernel."""
    devices = [
        f'-gencode=arch={name.replace("sm", "compute")},code={name}'
        for name in architectures
    ]
    # As torch compiles an extension, but that a warning is an error.
    flags = ['-std=c++17', '-O3', '-Werror=all-warnings', '-Xptxas=-v', '-c', *devices]
    command = [nvcc(), *flags, source, '-o', target]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    kernels = re.split("ptxas info *: Compiling entry function '", done.stderr)[1:]
    return {
        (name, device): tuple(map(int, re.findall(r'(\d+) bytes spill', text)))
        for text in kernels
        for name, device in re.findall(r"^(\w+)' for '(\w+)'", text)
    }


@pytest.mark.parametrize('source', CUDA_SOURCES, ids=lambda path: path.name)
def test_kernels_compile_without_spills(source, tmp_path):
    """For the oldest and the newest devices that are supported."""
    spills = compile_by_nvcc(source, tmp_path / 'kernels.o')
    assert {device for _, device in spills} == set(ARCHITECTURES)
    assert set(spills.values()) == {(0, 0)}, spills


def test_a_spill_is_seen(tmp_path):
    text = Path(CUDA_SOURCES[0]).read_text()
    assert text.count('kBlocks<T>)') == 1
    source = tmp_path / 'bilateral_exact.cu'
    source.write_text(text.replace('kBlocks<T>)', '8)'))
    for header in CUDA_SOURCES[0].parent.glob('*.h'):
        (tmp_path / header.name).write_text(header.read_text())
    spills = compile_by_nvcc(source, tmp_path / 'kernels.o', ['sm_90'])
    assert any(stores for stores, _ in spills.values())

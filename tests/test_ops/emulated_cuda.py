# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The CUDA kernels, compiled by g++ and run on the CPU under sanitizers.

The files of ``csrc/common/cuda`` are compiled as they are, but for what no C++ compiler
reads: launches, and the one line of PTX.
"""

import math
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mmwsmots import ops

CUDA_FOLDER = Path(ops.__file__).parent / 'csrc/common/cuda'
EMULATOR = Path(__file__).with_name('cuda_emulator')
COMPILER = os.environ.get('CXX', 'g++')
FLAGS = (
    *('-std=c++17', '-O1', '-g', '-fno-omit-frame-pointer', '-ffp-contract=off'),
    *('-Wall', '-Wextra', '-Werror', '-Wno-unknown-pragmas', f'-I{EMULATOR}'),
    *('-fsanitize=address,undefined,float-cast-overflow', '-fno-sanitize-recover=all'),
)
ORDERS = ('forward', 'backward', '1')


def can_build() -> bool:
    """Whether there is a compiler whose sanitizers work."""
    command = [COMPILER, *FLAGS, '-x', 'c++', '-', '-o', os.devnull]
    if shutil.which(COMPILER) is None:
        return False
    done = subprocess.run(command, input=b'int main() {}', timeout=300)
    return done.returncode == 0


def to_cpp(source: str) -> str:
    """A CUDA source as C++ for the emulator."""
    source = re.sub(r'<<<(.*?)>>>\(', r'_LAUNCH(\1)(', source, flags=re.DOTALL)
    source = re.sub(
        r'(\w+_kernel(?:<[^<>]*>)?)_LAUNCH(\(.*?\))\(',
        r'cuda_emulator::Launch\2(\1, ',
        source,
        flags=re.DOTALL,
    )
    source = re.sub(
        r'asm\("ex2\.approx\.ftz\.f32 %0, %1;" : "=f"\((\w+)\) : "f"\((\w+)\)\)',
        r'\1 = cuda_emulator::ex2_approx_ftz(\2)',
        source,
    )

    def defined_in_no_thread(declaration: re.Match) -> str:
        names = re.findall(r'(\w+)(?:\[\w+\])+', declaration[1])
        calls = (f'cuda_emulator::make_undefined({x}, sizeof {x});' for x in names)
        return ' '.join([declaration[0], *calls])

    source = re.sub(r'__shared__ ([^;]*);', defined_in_no_thread, source)
    for unread in ('<<<', '_LAUNCH', 'asm('):
        assert unread not in source, unread
    return source


def compile_file(source: Path, folder: Path, change: tuple[str, str] = ()) -> Path:
    """Compile a CUDA source, or one of the emulator's, to an object in the folder.

    ``change`` is a piece of the source, and what takes its place.
    """
    target = folder / f'{source.stem}.o'
    if source.suffix == '.cu':
        text = source.read_text()
        if change:
            assert text.count(change[0]) == 1, change[0]
            text = text.replace(*change)
        made = target.with_suffix('.cpp')
        made.write_text(f'#line 1 "{source}"\n{to_cpp(text)}')
        source = made
    includes = ['-include', 'cuda_runtime_api.h', f'-I{CUDA_FOLDER}']
    command = [COMPILER, *FLAGS, *includes, '-c', source, '-o', target]
    subprocess.run(command, check=True, timeout=500)
    return target


def link(objects: list[Path], program: Path) -> Path:
    """Link objects to a program that :func:`run` takes."""
    command = [COMPILER, *FLAGS, *objects, '-o', program]
    subprocess.run(command, check=True, timeout=300)
    return program


class Case(NamedTuple):
    """One call of the operator.

    Attributes:
        values: (B, C, H, W), float32 or float64.
        image: (B, 3, H, W), of the same dtype.
        sigma_rgb: Standard deviation in colour.
        sigma_xy: Standard deviation in pixels.
    """

    values: Tensor
    image: Tensor
    sigma_rgb: float
    sigma_xy: float

    def pack(self) -> bytes:
        """As ``main.cpp`` reads it."""
        whole = (self.values.element_size(), *self.values.shape)
        data = (x.contiguous().numpy().tobytes() for x in (self.image, self.values))
        numbers = struct.pack('=5q2d', *whole, self.sigma_rgb, self.sigma_xy)
        return numbers + b''.join(data)


def run(program: Path, cases: list[Case], order: str) -> list[Tensor]:
    """What the kernels compute for cases, with the threads in one of the orders.

    Raises:
        subprocess.CalledProcessError: If a sanitizer or the emulator finds a fault;
            its ``stderr`` names it.
    """
    done = subprocess.run(
        [program, order],
        input=b''.join(case.pack() for case in cases),
        capture_output=True,
        check=True,
        timeout=500,
    )
    left, results = memoryview(bytearray(done.stdout)), []
    for case in cases:
        size, dtype = case.values.shape, case.values.dtype
        array = torch.frombuffer(left, dtype=dtype, count=math.prod(size)).view(size)
        left = left[array.nbytes :]
        results.append(array)
    assert not left
    return results

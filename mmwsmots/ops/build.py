# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The compiled extension. ``setup.py`` runs this: it must not import the package."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Optional

# As in library.py.
NAME = 'mmwsmots.ops._bilateral_ext4'
_CPU_FLAGS = ['-O3', '-g0', '-fopenmp', '-fvisibility=hidden', '-Wno-psabi']
# Python's -fwrapv slows down the arithmetic of addresses; traps, of which nobody knows,
# keep comparisons out of vectors.
_CPU_FLAGS += ['-fno-wrapv', '-fno-trapping-math']


def _can_compile_cuda(torch_cuda: Optional[str], cuda_home: Optional[str]) -> bool:
    """Whether nvcc is there, with headers, and of the version that torch accepts."""
    if torch_cuda is None or cuda_home is None:
        return False
    try:
        command = [str(Path(cuda_home, 'bin/nvcc')), '--version']
        output = subprocess.check_output(command, text=True)
        version = re.search(r'release ([\d.]+)', output)[1]
    except (OSError, subprocess.CalledProcessError, TypeError):
        version = None
    # torch takes the folder of a link to nvcc for the toolkit.
    headers = Path(cuda_home, 'include/cuda_runtime.h').is_file()
    if headers and version and version.split('.')[0] == torch_cuda.split('.')[0]:
        return True
    print(
        f'mmwsmots: torch was built with CUDA {torch_cuda}, and {cuda_home} has '
        f'{f"nvcc {version}" if version else "no nvcc"} and '
        f'{"its" if headers else "no"} headers: compiling for the CPU alone'
    )
    return False


def extensions() -> dict:
    """Arguments for ``setup()``; empty, with a line, without torch or compiler.

    A failing compiler is no error: the package then serves its torch implementation.
    CUDA kernels are compiled where torch was built with CUDA and finds an ``nvcc`` of
    the same major version; ``TORCH_CUDA_ARCH_LIST`` names the devices. The working
    directory is that of ``setup.py``.
    """
    try:
        import torch
        from torch.utils import cpp_extension
    except ImportError:
        print('mmwsmots: no torch to compile against, installing without kernels')
        return {}
    compiler = os.environ.get('CXX', 'c++')
    if shutil.which(compiler) is None:
        print(f'mmwsmots: no compiler {compiler}, installing without kernels')
        return {}
    csrc = Path('mmwsmots/ops/csrc')
    sources = [*csrc.glob('common/cpu/*.cpp'), *csrc.glob('pytorch/cpu/*.cpp')]
    extension, flags = cpp_extension.CppExtension, {'cxx': _CPU_FLAGS}
    if _can_compile_cuda(torch.version.cuda, cpp_extension.CUDA_HOME):
        sources += [*csrc.glob('common/cuda/*.cu'), *csrc.glob('pytorch/cuda/*.cpp')]
        extension, flags = cpp_extension.CUDAExtension, {**flags, 'nvcc': ['-O3']}
    paths = sorted(str(source) for source in sources)
    return {
        'ext_modules': [
            extension(
                NAME,
                paths,
                extra_compile_args=flags,
                extra_link_args=['-fopenmp'],
                depends=[str(path) for path in csrc.rglob('*.*')],
                optional=True,
            )
        ],
        'cmdclass': {
            'build_ext': cpp_extension.BuildExtension.with_options(
                use_ninja=False, no_python_abi_suffix=True
            )
        },
    }

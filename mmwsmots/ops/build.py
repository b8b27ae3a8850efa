# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The compiled extension, as ``setup.py`` reads it.

``setup.py`` runs this file by its path: it must not import the package, which needs
more than building does.
"""

import os
import shutil
from pathlib import Path

NAME = 'mmwsmots.ops._bilateral_ext'
_CPU_FLAGS = ['-O3', '-g0', '-fopenmp', '-fvisibility=hidden', '-Wno-psabi']


def extensions() -> dict:
    """Arguments for ``setup()``; empty, with a line, without torch or compiler.

    A failing compiler is no error: the package then serves its torch implementation.
    CUDA kernels are compiled where torch was built with CUDA and finds ``nvcc``;
    ``TORCH_CUDA_ARCH_LIST`` names the devices. The working directory is that of
    ``setup.py``.
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
    if torch.version.cuda and cpp_extension.CUDA_HOME:
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

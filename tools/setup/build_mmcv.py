# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Compile mmcv and its ops from the sdist.

mmcv publishes no wheels for current PyTorch. Its CPU ops are some seventy small C++
files that each parse all of PyTorch's headers, which takes more than ten minutes on
two cores. Merged into two files (a unity build) they take less than two.
"""

import os
import shutil
import tarfile
from pathlib import Path

from common import (
    DEFAULT_LANE,
    LANE,
    PIP,
    PYTHON,
    WORK,
    SetupError,
    output_of,
    run,
    succeeds,
)

NAME = 'onedl-mmcv' if LANE == DEFAULT_LANE else 'mmcv'
# These CPU sources define functions of the same names as others do, so each stays a
# file of its own.
SEPARATE_CPU_SOURCES = (
    'psamask.cpp',
    'roi_align.cpp',
    'roi_align_rotated.cpp',
    'rotated_feature_align.cpp',
)
# The compiler's peak memory on the larger merged file, rounded up.
BYTES_PER_JOB = 3 * 2**30


def merge_sources(folder, merged_name, separate=()):
    """Replace the C++ files of a folder by one that includes them all.

    Each ``x.cpp`` becomes ``x.inc``, so that no build system compiles it by itself.

    Args:
        folder (Path): Folder of ``*.cpp`` files; subfolders are left alone.
        merged_name (str): Name of the file that includes the others.
        separate (tuple[str]): Files to leave as they are.

    Returns:
        list[str]: Names of the included files, sorted.

    Raises:
        SetupError: If a file of ``separate`` is not there: the sources are not
            those that the list was made for.
    """
    for name in separate:
        if not (folder / name).is_file():
            raise SetupError(f'the sources of mmcv have no {folder / name}')
    included = []
    for source in sorted(folder.glob('*.cpp')):
        if source.name not in separate:
            included.append(source.with_suffix('.inc').name)
            source.rename(source.with_suffix('.inc'))
    lines = [f'#include "{name}"\n' for name in included]
    (folder / merged_name).write_text(''.join(lines))
    return included


def require_cxx17(setup_script):
    """Compile for C++17, which PyTorch's headers need since 2.1.

    Args:
        setup_script (Path): ``setup.py`` of mmcv; old ones ask for C++14.
    """
    text = setup_script.read_text()
    setup_script.write_text(text.replace('-std=c++14', '-std=c++17'))


def count_jobs():
    """Number of compilers to run at a time, by cores and memory.

    Returns:
        int: At least 1.
    """
    if hasattr(os, 'sched_getaffinity'):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    return max(1, min(cores, memory // BYTES_PER_JOB))


def wants_cuda():
    """Whether the CUDA ops are to be compiled.

    Returns:
        bool: True if torch sees a GPU or ``FORCE_CUDA=1`` is set.

    Raises:
        SetupError: If they are, and there is no CUDA toolkit.
    """
    code = 'import sys, torch; sys.exit(not torch.cuda.is_available())'
    if os.environ.get('FORCE_CUDA') != '1' and not succeeds(PYTHON, code):
        return False
    code = 'import sys, torch.utils.cpp_extension as e; sys.exit(not e.CUDA_HOME)'
    if not succeeds(PYTHON, code):
        raise SetupError(
            "there is a GPU but no CUDA toolkit (nvcc) to compile mmcv's ops with: "
            'install it and set CUDA_HOME; or run with CUDA_VISIBLE_DEVICES= to use '
            'the CPU alone'
        )
    return True


def build_wheel(version):
    """Build the wheel of mmcv for the lane, or find the one built before.

    Args:
        version (str): Version of mmcv.

    Returns:
        Path: The wheel: mmcv's ordinary build with CUDA ops where torch sees a GPU,
        the unity build of the CPU ops elsewhere.
    """
    cuda = wants_cuda()
    # a wheel is good for one build of torch and one Python only
    code = 'import sys, torch; print(torch.__version__, sys.implementation.cache_tag)'
    built_for = '-'.join(output_of([PYTHON, '-c', code]).split())
    wheel_dir = WORK / f'{NAME}-{version}-{"cuda" if cuda else "cpu"}-{built_for}'
    for wheel in wheel_dir.glob('*.whl'):
        return wheel

    sources = WORK / f'{NAME}-{version}'
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir()
    env = dict(os.environ, MMCV_WITH_OPS='1')
    # ninja is beside the interpreter
    env['PATH'] = os.pathsep.join([str(Path(PYTHON).parent), env.get('PATH', '')])
    # debug information doubles the time, and nobody steps through mmcv here
    env['CFLAGS'] = f'{env.get("CFLAGS", "")} -g0 -w'.strip()
    env.setdefault('MAX_JOBS', str(count_jobs()))

    options = ('--no-deps', '--no-build-isolation')
    run(
        f'downloading the sources of mmcv {version}',
        [*PIP, 'download', *options, '--no-binary', NAME, f'{NAME}=={version}'],
        cwd=str(sources),
        env=env,
    )
    (archive,) = sources.glob('*.tar.gz')
    with tarfile.open(str(archive)) as tar:
        # the filter came with the security releases of 2023
        safe = {'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}
        tar.extractall(str(sources), **safe)
    source = sources / archive.name[: -len('.tar.gz')]
    require_cxx17(source / 'setup.py')
    if not cuda:
        csrc = source / 'mmcv/ops/csrc/pytorch'
        merge_sources(csrc, 'unity_pytorch.cpp')
        merge_sources(csrc / 'cpu', 'unity_cpu.cpp', SEPARATE_CPU_SOURCES)
    run(
        f'compiling the {"CUDA" if cuda else "CPU"} ops of mmcv {version}',
        [*PIP, 'wheel', *options, '--wheel-dir', str(wheel_dir), str(source)],
        cwd=str(sources),
        env=env,
    )
    shutil.rmtree(sources)
    (wheel,) = wheel_dir.glob('*.whl')
    return wheel

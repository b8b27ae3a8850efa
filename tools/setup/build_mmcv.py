# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Compile mmcv's ops from its sdist in two minutes on two cores, in place of ten.

mmcv publishes no wheels for current PyTorch. Its CPU ops are some seventy small files
that each parse all of PyTorch's headers; merged into two they are compiled fast.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

# Their names clash with those of other sources.
SEPARATE = (
    'psamask.cpp',
    'roi_align.cpp',
    'roi_align_rotated.cpp',
    'rotated_feature_align.cpp',
)


def merge_sources(folder: Path, separate: tuple = ()) -> None:
    """Replace the C++ files of a folder by ``unity.cpp``, which includes them.

    Args:
        folder (Path): Folder of ``*.cpp`` files, which become ``*.inc``.
        separate (tuple[str]): Files to leave as they are; FileNotFoundError if one
            is not there: these are other sources than the list was made for.
    """
    for name in separate:
        (folder / name).stat()
    included = []
    for source in sorted(folder.glob('*.cpp')):
        if source.name not in separate:
            included.append(source.rename(source.with_suffix('.inc')).name)
    # Not unity.cpp in both folders: objects of a build share their names.
    merged = folder / f'unity_{folder.name}.cpp'
    merged.write_text(''.join(f'#include "{name}"\n' for name in included))


def build_mmcv(python: Path, requirements: Path, wheels: Path) -> None:
    """Build the wheel of the mmcv that a file pins, unless it is installed or built.

    Args:
        python (Path): Interpreter with torch, setuptools and ninja.
        requirements (Path): A file with a line ``mmcv==VERSION``.
        wheels (Path): Folder for the wheel.
    """
    pattern = r'^((?:onedl-)?mmcv)==(\S+)'
    name, number = re.search(pattern, requirements.read_text(), re.MULTILINE).groups()
    installed = f'import mmcv.ops; assert mmcv.__version__ == "{number}"'
    command = [str(python), '-W', 'ignore', '-c', installed]
    if subprocess.call(command, stderr=subprocess.DEVNULL) == 0:
        return
    code = 'import sys, torch; print(torch.__version__, torch.cuda.is_available())'
    torch = subprocess.check_output([str(python), '-c', code], text=True).split()
    use_cuda = torch[1] == 'True' or os.environ.get('FORCE_CUDA') == '1'
    stamp = wheels / f'{name}-{number}-{sys.implementation.cache_tag}-{torch[0]}'
    stamp = Path(f'{stamp}-{"cuda" if use_cuda else "cpu"}')
    if stamp.exists() and list(wheels.glob('*.whl')):
        return
    for old in [*wheels.glob('*.whl'), *wheels.glob('*mmcv-*-*')]:
        old.unlink()
    pip = [str(python), '-m', 'pip', '--disable-pip-version-check', '-q']
    options = ['--no-deps', '--no-build-isolation']
    env = dict(os.environ, MMCV_WITH_OPS='1', MAX_JOBS=str(os.cpu_count()))
    env['PATH'] = f'{python.parent}{os.pathsep}{env["PATH"]}'  # ninja
    # Debug information doubles the time.
    env['CFLAGS'] = f'{env.get("CFLAGS", "")} -g0 -w'
    with tempfile.TemporaryDirectory() as temp:
        download = [*pip, 'download', *options, '--no-binary', name, '-d', temp]
        subprocess.run([*download, f'{name}=={number}'], env=env, check=True)
        (archive,) = Path(temp).glob('*.tar.gz')
        with tarfile.open(archive) as tar:
            tar.extractall(temp)
        source = Path(temp, archive.name[: -len('.tar.gz')])
        # PyTorch's headers need C++17; mmcv 2.0 asks for C++14.
        setup = source / 'setup.py'
        setup.write_text(setup.read_text().replace('-std=c++14', '-std=c++17'))
        if not use_cuda:
            csrc = source / 'mmcv/ops/csrc/pytorch'
            merge_sources(csrc)
            merge_sources(csrc / 'cpu', SEPARATE)
        print(f'compiling the ops of {name} {number}: about two minutes', flush=True)
        command = [*pip, 'wheel', *options, '-w', str(wheels), str(source)]
        subprocess.run(command, env=env, check=True)
    stamp.touch()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The steps of the set-up. Each leaves alone what is there already."""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import build_mmcv
from common import (
    DEV,
    LOG,
    PIP,
    PYTHON,
    REPO,
    RUNTIME,
    VENV,
    WORK,
    SetupError,
    describe_failure,
    output_of,
    run,
    say,
    succeeds,
)

HERE = Path(__file__).resolve().parent
TORCH_CPU_INDEX = 'https://download.pytorch.org/whl/cpu'


def pip_install(what, *arguments):
    """Install into the lane's environment.

    Args:
        what (str): What is installed, for the progress line.
        *arguments (str): Arguments of ``pip install``.
    """
    run(what, [*PIP, 'install', '--no-build-isolation', *arguments])


def read_pin(name):
    """Pinned version of a package.

    Args:
        name (str): Name as spelled in the lane's requirements.

    Returns:
        str: The version.

    Raises:
        SetupError: If there is no such line.
    """
    for path in RUNTIME:
        for line in path.read_text().splitlines():
            if line.startswith(f'{name}=='):
                return line.split('==')[1].split(';')[0].strip()
    raise SetupError(f'{" and ".join(map(str, RUNTIME))} have no line "{name}==..."')


def check_compiler():
    """Find out before any download that mmcv could not be compiled.

    Raises:
        SetupError: If there is no C++ compiler or no ``Python.h``.
    """
    compiler = os.environ.get('CXX', 'c++').split()[0]
    if shutil.which(compiler) is None and shutil.which('g++') is None:
        raise SetupError(
            f"no C++ compiler ({compiler}) to build mmcv's ops with: install gcc "
            'and g++, on Debian and Ubuntu by: apt install build-essential'
        )
    header = Path(sysconfig.get_paths()['include'], 'Python.h')
    if not header.is_file():
        raise SetupError(
            f"no {header} to build mmcv's ops with: install Python's headers, on "
            'Debian and Ubuntu by: apt install python3-dev'
        )


def package_folders():
    """Folders on the running interpreter's path that hold packages.

    Returns:
        list[str]: ``site-packages``, ``dist-packages`` and ``PYTHONPATH``, without
        the standard library.
    """
    # a fresh interpreter, since the folder of this script is on our own path
    code = 'import json, sys; print(json.dumps(sys.path[1:]))'
    paths = json.loads(output_of([sys.executable, '-c', code]))
    stdlib = sysconfig.get_paths()['stdlib']
    return [
        path
        for path in paths
        if os.path.isdir(path) and ('-packages' in path or not path.startswith(stdlib))
    ]


def create_venv(existing):
    """Create the lane's environment, unless a fitting one is there.

    Args:
        existing (bool): Whether the packages of the running interpreter are made
            visible in it.

    Raises:
        SetupError: If Python's venv module does not work.
    """
    major, minor = sys.version_info[:2]
    site = VENV / f'lib/python{major}.{minor}/site-packages'
    link = site / 'mmwsmots_existing_environment.pth'
    same = f'import sys; sys.exit(sys.version != {sys.version!r})'
    fits = os.path.exists(PYTHON) and succeeds(PYTHON, same)
    if not fits or link.exists() != existing:
        shutil.rmtree(str(VENV), ignore_errors=True)
        try:
            run(f'creating {VENV.name}', [sys.executable, '-m', 'venv', str(VENV)])
        except SetupError as error:
            raise SetupError(
                f'{error}\nOn Debian and Ubuntu, venv has to be installed: '
                'apt install python3-venv'
            ) from None
    if existing:
        # addsitedir also follows the .pth files there, as of editable installs
        lines = [
            f'import site; site.addsitedir({path!r})\n' for path in package_folders()
        ]
        link.write_text(''.join(lines))


def install_tools():
    """Install pip, the build tools, pytest and ruff at their pinned versions.

    They go in even where another version is visible: the formatter's
    verdict depends on it.
    """
    pip_install('installing build, test and lint tools', '--no-deps', '-r', str(DEV))


def install_runtime(existing):
    """Install the pinned packages that are missing, but not torch and mmcv.

    Args:
        existing (bool): Whether other versions than the pinned ones will do.
    """
    script = str(HERE / 'missing_requirements.py')
    versions = 'any' if existing else 'pinned'
    lines = output_of([PYTHON, script, versions, *map(str, RUNTIME)]).splitlines()
    missing = [
        line for line in lines if line.split('==')[0] not in ('torch', build_mmcv.NAME)
    ]
    if missing:
        pip_install(f'installing {len(missing)} packages', '--no-deps', *missing)


def replace_opencv_without_libgl():
    """Take OpenCV's headless build where the one with windows does not load.

    It needs libGL, which servers and containers often lack. Nothing here opens a
    window.
    """
    if not succeeds(PYTHON, 'import cv2'):
        version = read_pin('opencv-python')
        run(
            'removing opencv-python, which does not load here',
            [*PIP, 'uninstall', '-y', 'opencv-python'],
        )
        # forced: a second set-up has overwritten the files of an earlier one
        pip_install(
            'installing its headless build',
            *('--no-deps', '--force-reinstall'),
            f'opencv-python-headless=={version}',
        )


def has_gpu():
    """Whether torch needs CUDA.

    Returns:
        bool: True if ``nvidia-smi`` lists a GPU that ``CUDA_VISIBLE_DEVICES=`` does
        not hide, or if ``FORCE_CUDA=1`` is set (as when a container is built).
    """
    if os.environ.get('FORCE_CUDA') == '1':
        return True
    if os.environ.get('CUDA_VISIBLE_DEVICES', '0') in ('', '-1'):
        return False
    return shutil.which('nvidia-smi') is not None and succeeds(
        sys.executable,
        'import subprocess, sys; '
        "sys.exit(b'GPU' not in subprocess.check_output(['nvidia-smi', '-L']))",
    )


def choose_torch_index(version):
    """Where to get torch from.

    Plain pip is right on machines with a GPU, outside Linux, and where pip's own
    sources have a CPU build (a local folder, a mirror). Else it would bring the CUDA
    build of several gigabytes; then PyTorch's index of CPU builds is taken.

    Args:
        version (str): Version of torch.

    Returns:
        list[str]: Arguments for pip.
    """
    if has_gpu() or platform.system() != 'Linux':
        return []
    report = WORK / 'torch.json'
    dry_run = ('install', '--dry-run', '--ignore-installed', '--no-deps')
    run(
        f'looking for torch {version}',
        [*PIP, *dry_run, '--report', str(report), f'torch=={version}'],
    )
    found = json.loads(report.read_text())['install'][0]['metadata']['version']
    return [] if found.endswith('+cpu') else ['--index-url', TORCH_CPU_INDEX]


def install_torch():
    """Install torch: the CPU build where there is no GPU."""
    version = read_pin('torch')
    same = f'import torch; assert torch.__version__.split("+")[0] == "{version}"'
    if not succeeds(PYTHON, same):
        index = choose_torch_index(version)
        pip_install(f'installing torch {version}', *index, f'torch=={version}')


def install_mmcv():
    """Compile and install mmcv, unless its ops load already."""
    version = read_pin(build_mmcv.NAME)
    same = f'import mmcv.ops; assert mmcv.__version__ == "{version}"'
    if not succeeds(PYTHON, same):
        wheel = build_mmcv.build_wheel(version)
        options = ('--no-deps', '--force-reinstall')
        pip_install(f'installing mmcv {version}', *options, str(wheel))


def install_package():
    """Install this repository, editable."""
    pip_install('installing mmwsmots', '--no-deps', '--editable', str(REPO))


def verify():
    """Load the installed packages once and run a compiled op.

    Raises:
        SetupError: If that fails.
    """
    what = 'loading the installed packages'
    say(what)
    result = subprocess.run(
        [PYTHON, '-W', 'ignore', str(HERE / 'verify.py')],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with open(LOG, 'a') as log:
        log.write(result.stdout)
    if result.returncode:
        raise SetupError(describe_failure(what, result.stdout))
    say(result.stdout.strip().splitlines()[-1])

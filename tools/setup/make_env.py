# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Make the environment that ``make`` uses: a venv with the pinned packages.

``$DEPS`` names a file of requirements/deps. Its environment is ``.venv`` for the
default one, ``.venv-DEPS`` for others. An interpreter that has torch and mmcv already
lends its packages to ``.venv``, and only what it lacks is installed. The next run with
the same pins and the same interpreter ends at once.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from build_mmcv import build_mmcv

REPO = Path(__file__).resolve().parents[2]
SETS = {path.stem: path for path in (REPO / 'requirements/deps').glob('*.txt')}
DEFAULT_DEPS = 'onedl'
DEPS = os.environ.get('DEPS') or DEFAULT_DEPS
VENV = REPO / ('.venv' if DEPS == DEFAULT_DEPS else f'.venv-{DEPS}')
PYTHON = VENV / 'bin/python'
STAMP = VENV / 'mmwsmots_setup.json'
WHEELS = REPO / '.setup' / DEPS  # compiled packages; may be deleted at any time
CPU_TORCH = 'https://download.pytorch.org/whl/cpu'
# Modules that packages of several names bring.
MODULES = {
    'onedl-mmcv': 'mmcv',
    'onedl-mmdetection': 'mmdet',
    'onedl-mmengine': 'mmengine',
    'opencv-python-headless': 'cv2',
}
CHECK = """
import mmcv.ops, mmdet.models, mmengine, torch, trackeval
boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
assert mmcv.ops.nms(boxes, torch.tensor([0.5, 1.0]), 0.5)[1].tolist() == [1]
modules = torch, mmcv, mmdet, mmengine
print('ready:', *(f'{m.__name__} {m.__version__}' for m in modules))
"""


def run(*command: object) -> None:
    """Run a command; end with its status if it fails."""
    command = [str(part) for part in command]
    print('$', *command[:8], '...' * (len(command) > 8), flush=True)
    code = subprocess.call(command)
    if code != 0:
        sys.exit(f'error: set-up failed at: {" ".join(command)}')


def pip_install(*arguments: object) -> None:
    """Install exactly what is listed: pip must not bring a second torch or OpenCV."""
    run(
        *(PYTHON, '-m', 'pip', '-q', '--disable-pip-version-check', 'install'),
        *('--no-deps', '--no-build-isolation', *arguments),
    )


def setup_key(python: str) -> str:
    """Hash of all that the environment depends on."""
    inputs = [*REPO.glob('requirements/**/*.txt'), REPO / 'setup.cfg']
    inputs += [*Path(__file__).parent.glob('*.py')]
    inputs += [REPO / 'setup.py', REPO / 'mmwsmots/ops/build.py']
    inputs += [p for p in REPO.glob('mmwsmots/ops/csrc/**/*') if p.is_file()]
    digest = hashlib.sha256(f'{sys.version} {python}'.encode())
    for path in sorted(inputs):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def missing(*files: Path) -> Path:
    """The lines of requirements files that the running interpreter does not meet."""
    lines = []
    for line in ''.join(path.read_text() for path in files).splitlines():
        name = line.partition('==')[0].strip()
        try:
            version(name or 'pip')
        except PackageNotFoundError:
            if name[0] != '#' and find_spec(MODULES.get(name, 'nothing')) is None:
                lines.append(f'{line}\n')
    path = WHEELS / 'missing.txt'
    path.write_text(''.join(lines))
    return path


def install(has_packages: bool) -> None:
    """Install everything into the environment."""
    runtime = REPO / 'requirements/runtime.txt'
    pip_install('-r', REPO / 'requirements/dev.txt')
    if has_packages:
        pip_install('-r', missing(SETS[DEPS], runtime))
    else:
        # Of PyPI's and this index' builds of torch, pip takes the one for CPUs.
        index = [] if shutil.which('nvidia-smi') else ['--extra-index-url', CPU_TORCH]
        torch = re.search('^torch==.*', runtime.read_text(), re.MULTILINE)[0]
        pip_install(torch, *index, '--retries=1')
        pip_install('-r', runtime)
        build_mmcv(PYTHON, SETS[DEPS], WHEELS)
        pip_install('-r', SETS[DEPS], '--find-links', WHEELS)
    pip_install('--editable', REPO)
    run(PYTHON, '-W', 'ignore', '-c', CHECK)


def main() -> None:
    """Set up if anything has changed since the last time."""
    if DEPS not in SETS:
        sys.exit(f'error: no DEPS {DEPS!r}, only {", ".join(sorted(SETS))}')
    prefix = Path(sys.prefix).resolve()
    if prefix.parent == REPO:  # .venv is active: use the interpreter it was made with
        stamp = prefix / STAMP.name
        python = json.loads(stamp.read_text())['python'] if stamp.exists() else None
        python = python or sys._base_executable
        os.execv(python, [python, *sys.argv])
    key = setup_key(sys.executable)
    if (
        PYTHON.exists()
        and STAMP.exists()
        and json.loads(STAMP.read_text())['key'] == key
    ):
        return
    STAMP.unlink(missing_ok=True)
    has_packages = DEPS == DEFAULT_DEPS and not subprocess.call(
        [sys.executable, '-c', 'import torch, mmcv.ops'], stderr=subprocess.DEVNULL
    )
    WHEELS.mkdir(parents=True, exist_ok=True)
    run(sys.executable, '-m', 'venv', VENV)
    if has_packages:
        link = next(VENV.glob('lib/python*/site-packages')) / 'lent.pth'
        folder = sysconfig.get_path('purelib')
        link.write_text(f'import site; site.addsitedir({folder!r})\n')
    install(has_packages)
    STAMP.write_text(json.dumps(dict(key=key, python=sys.executable)))


if __name__ == '__main__':
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit('error: mmwsmots needs Python 3.10 or newer: make PYTHON=python3.11')
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()

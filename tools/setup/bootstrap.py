# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Make ``.venv`` with everything that the repository needs.

Run by ``make``, with the standard library alone. There are two cases:

- The interpreter lacks torch or mmcv, as it usually does: everything is installed
  into ``.venv`` at the pinned versions, and mmcv's ops are compiled.
- ``import torch, mmcv.ops`` works: the interpreter's packages are made visible in
  ``.venv`` and used as they are. Only what it lacks goes into ``.venv``; nothing
  outside changes.

When all is done a stamp is written, and the next run with the same pins and the same
interpreter ends at once. A run that broke off is taken up where it stopped.

The set-up keeps to the syntax of Python 3.6, to be able to say that 3.10 is needed.
"""

import hashlib
import json
import os
import platform
import sys
from pathlib import Path

import install
from common import (
    DEV,
    LOG,
    PYTHON,
    REPO,
    RUNTIME,
    VENV,
    WORK,
    SetupError,
    say,
    succeeds,
)

STAMP = VENV / 'mmwsmots_setup.json'
MIN_PYTHON = (3, 10)


def setup_key():
    """Hash of all that the result of the set-up depends on.

    Returns:
        str: Hexadecimal digest of the pins, these scripts, the compiled operators'
        sources and the interpreter.
    """
    ops = REPO / 'mmwsmots/ops'
    inputs = [RUNTIME, DEV, REPO / 'setup.py', *ops.glob('build.py')]
    inputs += [path for path in ops.glob('csrc/**/*') if path.is_file()]
    inputs += Path(__file__).resolve().parent.glob('*.py')
    digest = hashlib.sha256(f'{sys.version} {sys.prefix}'.encode())
    for path in sorted(inputs):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_stamp():
    """Stamp of the last complete set-up.

    Returns:
        dict: ``key`` and ``python``, the interpreter it was made with; empty if
        there is none.
    """
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def leave_own_venv():
    """Start again with the interpreter that ``.venv`` was made with.

    Where ``.venv`` is activated, ``python3`` is its own interpreter, which must not
    be taken for an environment that already has torch and mmcv.
    """
    if Path(sys.prefix).resolve() == VENV.resolve():
        python = read_stamp().get('python', sys._base_executable)
        os.execv(python, [python, *sys.argv])


def set_up():
    """Bring ``.venv`` up to date."""
    say(f'Python {platform.python_version()}, {sys.executable}')
    existing = succeeds(sys.executable, 'import torch, mmcv.ops')
    if existing:
        say('it has torch and mmcv, which are used as they are')
    else:
        install.check_compiler()
    WORK.mkdir(exist_ok=True)
    LOG.write_text('')
    if STAMP.exists():
        STAMP.unlink()
    install.create_venv(existing)
    install.install_tools()
    install.install_runtime(existing)
    if not existing:
        install.replace_opencv_without_libgl()
        install.install_torch()
        install.install_mmcv()
    install.install_package()
    install.verify()
    STAMP.write_text(json.dumps({'key': setup_key(), 'python': sys.executable}))
    say('ready')


def main():
    """Set up if anything has changed since the last time.

    Returns:
        int: Exit status.
    """
    if sys.version_info < MIN_PYTHON:
        print(
            f'Python {platform.python_version()} ({sys.executable}) is too old: '
            'mmwsmots needs Python 3.10 or newer. Name one: make PYTHON=python3.11',
            file=sys.stderr,
        )
        return 1
    leave_own_venv()
    if read_stamp().get('key') == setup_key() and os.path.exists(PYTHON):
        return 0
    try:
        set_up()
    except SetupError as error:
        print(f'\nSet-up failed: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nSet-up interrupted: the next run goes on from here.', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())

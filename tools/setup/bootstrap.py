# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Make the environment of a lane with everything that the repository needs.

Run by ``make``, with the standard library alone. ``$LANE`` names the lane, and the
environment is ``.venv`` for the default one, ``.venv-LANE`` for others. There are two
cases:

- The interpreter lacks torch or mmcv, as it usually does, or the lane is not the
  default one: everything is installed at the pinned versions, and mmcv's ops are
  compiled.
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
    DEFAULT_LANE,
    DEV,
    LANE,
    LANES,
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
    inputs = [*RUNTIME, DEV, REPO / 'setup.py', *ops.glob('build.py')]
    inputs += [path for path in ops.glob('csrc/**/*') if path.is_file()]
    inputs += Path(__file__).resolve().parent.glob('*.py')
    digest = hashlib.sha256(f'{sys.version} {sys.prefix}'.encode())
    for path in sorted(inputs):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_stamp(venv=VENV):
    """Stamp of the last complete set-up.

    Args:
        venv (Path): Environment that was set up.

    Returns:
        dict: ``key`` and ``python``, the interpreter it was made with; empty if
        there is none.
    """
    try:
        return json.loads((venv / STAMP.name).read_text())
    except (OSError, ValueError):
        return {}


def leave_own_venv():
    """Start again with the interpreter that the environment of a lane was made with.

    Where ``.venv`` is activated, ``python3`` is its own interpreter, which must not
    be taken for an environment that already has torch and mmcv.
    """
    prefix = Path(sys.prefix).resolve()
    if prefix.parent == REPO and prefix.name.split('-')[0] == '.venv':
        python = read_stamp(prefix).get('python', sys._base_executable)
        os.execv(python, [python, *sys.argv])


def check_lane():
    """Find out that a lane's name is misspelled.

    Raises:
        SetupError: If there is no such lane.
    """
    lanes = sorted(path.stem for path in LANES.glob('*.txt'))
    if LANE not in lanes:
        raise SetupError(f"there is no lane '{LANE}', only {', '.join(lanes)}")


def set_up():
    """Bring the lane's environment up to date.

    Raises:
        SetupError: If a step fails.
    """
    say(f'lane {LANE}, Python {platform.python_version()}, {sys.executable}')
    existing = LANE == DEFAULT_LANE and succeeds(
        sys.executable, 'import torch, mmcv.ops'
    )
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
    try:
        check_lane()
        if read_stamp().get('key') != setup_key() or not os.path.exists(PYTHON):
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

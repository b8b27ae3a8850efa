# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Paths of the set-up, and commands run with a log and a sign of life."""

import os
import subprocess
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
DEFAULT_LANE = 'onedl'
# Which OpenMMLab packages: a file of requirements/lanes. mmdet and its continuation
# have the same import names, so each lane has an environment of its own.
LANE = os.environ.get('LANE') or DEFAULT_LANE
VENV = REPO / ('.venv' if LANE == DEFAULT_LANE else f'.venv-{LANE}')
PYTHON = str(VENV / 'bin/python')
PIP = (PYTHON, '-m', 'pip', '--disable-pip-version-check')
# Sources, wheels and the log of the set-up: it may be deleted at any time.
WORK = REPO / '.setup'
LOG = WORK / f'{LANE}.log'
LANES = REPO / 'requirements/lanes'
# In the order in which pins are looked up.
RUNTIME = (LANES / f'{LANE}.txt', REPO / 'requirements/runtime.txt')
DEV = REPO / 'requirements/dev.txt'

START = time.time()
SECONDS_BETWEEN_SIGNS = 20.0
# What pip prints when nothing can be downloaded.
NO_DOWNLOAD = (
    'NewConnectionError',
    'NameResolutionError',
    'ConnectTimeout',
    'Network is unreachable',
    'No matching distribution found',
)


class SetupError(Exception):
    """What went wrong, in words for the user."""


def say(message):
    """Print a progress line with the time since the start.

    Args:
        message (str): One line.
    """
    print(f'[setup {time.time() - START:4.0f} s] {message}', flush=True)


def describe_failure(what, output):
    """Tell the user why a command failed.

    Args:
        what (str): What the command was to do.
        output (str): All that it printed.

    Returns:
        str: A message of several lines that ends with the end of the output.
    """
    hint = ''
    if any(sign in output for sign in NO_DOWNLOAD):
        hint = (
            'A package could not be downloaded: is there a network, and does the '
            'package index have this version for this Python?\n'
        )
    tail = '\n'.join(f'  | {line}' for line in output.strip().splitlines()[-12:])
    return f'{what} failed.\n{hint}{tail}\nThe whole log is {LOG}'


def run(what, command, **options):
    """Run a command with its output in the log.

    Args:
        what (str): What it does, for progress lines and errors.
        command (Sequence[str]): The command.
        **options: Further arguments of ``subprocess.Popen``.

    Raises:
        SetupError: If it fails, with the end of its output.
    """
    say(what)
    began = time.time()
    with open(LOG, 'ab') as log:
        log.write(f'\n$ {" ".join(command)}\n'.encode())
        log.flush()
        offset = log.tell()
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, **options
        )
        while process.poll() is None:
            try:
                process.wait(timeout=SECONDS_BETWEEN_SIGNS)
            except subprocess.TimeoutExpired:
                say(f'... {what}: {time.time() - began:.0f} s so far')
    if process.returncode:
        with open(LOG, 'rb') as log:
            log.seek(offset)
            output = log.read().decode(errors='replace')
        raise SetupError(describe_failure(what, output))


def succeeds(python, code):
    """Whether an interpreter runs a piece of code without an error.

    Args:
        python (str): Interpreter.
        code (str): Python code; the repository is not on its path.

    Returns:
        bool: True if it does.
    """
    status = subprocess.call(
        [python, '-c', code],
        cwd=os.path.dirname(python),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return status == 0


def output_of(command):
    """What a command that cannot fail prints.

    Args:
        command (Sequence[str]): The command.

    Returns:
        str: Its standard output without the spaces around it.
    """
    return subprocess.check_output(command, text=True).strip()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Run a script of the project as a user does, and see what it says."""

import subprocess
import sys

# What the dependencies say that no user can act on.
NOISE = (
    *('OneDL', 'faster_coco_eval', 'FileClient', 'HardDiskBackend', 'Reach the end'),
    *('prefix is not set', 'is skipped since'),
)


def run_script(*command, **options) -> str:
    """Output of a script in a fresh interpreter.

    Args:
        *command (object): The script, or options of Python, and its arguments.
        **options: See :func:`subprocess.run`.

    Returns:
        str: What it wrote to stdout and stderr; it succeeded, without a warning of
            Python's.
    """
    output = finish([sys.executable, *command], **options)
    assert_quiet(output)
    assert 'Warning: ' not in output, output
    return output


def finish(command, **options) -> str:
    """Output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def assert_quiet(output: str) -> None:
    """The output has no message that a user cannot act on."""
    for line in output.splitlines():
        assert not any(noise in line for noise in NOISE), line

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What the benchmarks of tracking and evaluation share."""

import ctypes
import datetime
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mmwsmots.utils.keep_freed_memory import (
    M_MMAP_THRESHOLD,
    M_TRIM_THRESHOLD,
    keep_freed_memory,
)


def heading(*details: str) -> str:
    """Date, machine, details, commit and command of a measurement, in one line."""
    models = [
        line.split(':')[1].strip()
        for line in Path('/proc/cpuinfo').read_text().splitlines()
        if line.startswith('model name')
    ]
    cpu = models[0] if models else platform.processor()
    facts = [str(datetime.date.today()), f'{cpu}, {len(models)} cores', *details]
    return f'{", ".join(facts)}, commit {COMMIT}: `python {command()}`'


def commit() -> str:
    """Short name of the checkout's commit, with a plus if a file differs from it."""
    repo = Path(__file__).resolve().parents[1]

    def git(*args: str) -> str:
        return subprocess.check_output(['git', *args], cwd=repo, text=True).strip()

    is_changed = git('status', '--porcelain', '--untracked-files=no')
    return git('rev-parse', '--short', 'HEAD') + '+' * bool(is_changed)


COMMIT = commit()  # at the start: others may commit during a long run


def command() -> str:
    """Script and arguments; of files outside, only the names."""
    script = Path(sys.argv[0])
    words = [str(Path(script.parent.name, script.name))]
    if script.name == '__main__.py':
        words = ['-m', f'{script.parents[1].name}.{script.parent.name}']
    for arg in sys.argv[1:]:
        words.append(Path(arg).name if Path(arg).is_absolute() else arg)
    return ' '.join(words)


def set_malloc(keep: bool) -> None:
    """Let glibc keep freed memory as our tools do, or not, as it does by itself.

    Its own limits are those that it comes to after some large blocks were freed.
    """
    if keep:
        keep_freed_memory()
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
    mallopt(M_TRIM_THRESHOLD, 64 * 2**20)


def report(lines: Sequence[str], out: Path | None) -> None:
    """Print a table and write it to a file, if one is named."""
    print('\n'.join(lines))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text('\n'.join(lines) + '\n')

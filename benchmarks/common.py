# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What the benchmarks of tracking and evaluation share."""

import datetime
import platform
from collections.abc import Sequence
from pathlib import Path


def heading(*details: str) -> str:
    """Date, machine and details of a measurement, in one line."""
    models = [
        line.split(':')[1].strip()
        for line in Path('/proc/cpuinfo').read_text().splitlines()
        if line.startswith('model name')
    ]
    cpu = models[0] if models else platform.processor()
    return ', '.join(
        [str(datetime.date.today()), f'{cpu}, {len(models)} cores', *details]
    )


def report(lines: Sequence[str], out: Path | None) -> None:
    """Print a table and write it to a file, if one is named."""
    print('\n'.join(lines))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text('\n'.join(lines) + '\n')

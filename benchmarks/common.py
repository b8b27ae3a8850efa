# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What the benchmarks share."""

import datetime
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmwsmots.utils import quiet_dependencies

if TYPE_CHECKING:
    from mmengine.config import Config

quiet_dependencies()  # a benchmark imports this before torch and mmdet

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = 'data/pretrained/mobilenet_v2.pth'  # of the small models' configs
PAUSED = 75  # exit status, EX_TEMPFAIL: the same command goes on


def run(*command: object, deadline: float | None = None) -> None:
    """Run a Python command of the project in its root; end if it fails.

    Args:
        *command (object): Script and arguments.
        deadline (float, optional): ``time.monotonic()`` at which it is cut off and
            the status is :data:`PAUSED`.
    """
    command = [str(part) for part in command]
    print('$ python ' + shlex.join(command), flush=True)
    timeout = deadline and max(deadline - time.monotonic(), 0)
    try:
        code = subprocess.run(
            [sys.executable, *command], cwd=ROOT, timeout=timeout
        ).returncode
    except subprocess.TimeoutExpired:
        print(f'{command[0]} paused; the same command goes on', flush=True)
        sys.exit(PAUSED)
    if code != 0:
        sys.exit(f'error: {command[0]} failed')


def fetch_weights(cfg: 'Config') -> None:
    """Convert the ImageNet weights that a small model starts from, if need be.

    Args:
        cfg (Config): Of a training; one that starts otherwise needs nothing.
    """
    model = cfg.get('model', {})
    detector = model.get('detector', model)
    init_cfg = detector.get('backbone', {}).get('init_cfg') or {}
    if init_cfg.get('checkpoint') == WEIGHTS and not (ROOT / WEIGHTS).is_file():
        run('tools/model_converters/mobilenetv2_to_mmdet.py', WEIGHTS)


def find_transform(pipeline: Sequence[dict], kind: str) -> dict:
    """The transform of a type in a config's pipeline, also in one that holds others."""
    inner = [t for step in pipeline for t in step.get('transforms', [step])]
    (found,) = (transform for transform in inner if transform.type == kind)
    return found


def machine(device: str = 'cpu') -> str:
    """What numbers are taken on: the name of the GPU, or the CPU and its cores."""
    import torch

    if torch.device(device).type == 'cuda':
        return torch.cuda.get_device_name(device)
    models = [
        line.split(':')[1].strip()
        for line in Path('/proc/cpuinfo').read_text().splitlines()
        if line.startswith('model name')
    ]
    return f'{models[0]}, {len(models)} cores' if models else platform.processor()


def heading(*details: str) -> str:
    """Date, machine, details, commit and command of a measurement, in one line."""
    facts = [str(datetime.date.today()), machine(), *details]
    return f'{", ".join(facts)}, commit {COMMIT}: `python {command()}`'


def commit() -> str:
    """Short name of the checkout's commit, with a plus if a file differs from it.

    Sources without a repository, as on a machine they were copied to, have none.
    """

    def git(*args: str) -> str:
        return subprocess.check_output(['git', *args], cwd=ROOT, text=True).strip()

    try:
        is_changed = git('status', '--porcelain', '--untracked-files=no')
        return git('rev-parse', '--short', 'HEAD') + '+' * bool(is_changed)
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'


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


def report(lines: Sequence[str], out: Path | None) -> None:
    """Print a table and write it to a file, if one is named."""
    print('\n'.join(lines))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text('\n'.join(lines) + '\n')

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
import platform
import subprocess
import sys

import pytest

# Page faults of steps that fill and free 8 tensors of 8 MiB, before and after.
SCRIPT = """
import resource
import torch
from mmwsmots.utils.keep_freed_memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        tensors = [torch.ones(2**21) for _ in range(8)]
        del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
default = faults()
assert keep_freed_memory()
faults()
print(default, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='a setting of glibc')
def test_freed_memory_is_used_again_without_page_faults():
    # glibc's threshold as it starts; by itself it would move with what was freed.
    env = {**os.environ, 'GLIBC_TUNABLES': 'glibc.malloc.mmap_threshold=131072'}
    output = subprocess.run(
        [sys.executable, '-c', SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    ).stdout
    default, kept = map(int, output.split()[-2:])
    assert kept < 100  # 64 MiB are 16,384 pages of 4 KiB, each time
    assert default > 10 * max(kept, 1)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LIMIT = 2**30  # bytes; larger blocks go back to the system as before


def keep_freed_memory() -> bool:
    """Let this process use the memory of freed tensors again.

    By default glibc returns large blocks to the system as they are freed. On a CPU
    a large feature map then is new memory, whose pages the system has to map and
    clear one by one: about a tenth of the time of a frame of 1242 x 375, nothing at
    half that size (benchmarks/results/inference_mnv2.md, profile_cpu.md). With this
    call they stay with the process, whose resident memory is that of its largest step
    either way.

    Returns:
        bool: Whether the allocator knows the setting, as glibc's does.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    options = (M_MMAP_THRESHOLD, LIMIT), (M_TRIM_THRESHOLD, LIMIT)
    results = [mallopt(option, value) for option, value in options]
    return results == [1, 1]

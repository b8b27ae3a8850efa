# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Functions run by several processes that form a gloo group, with a deadline."""

import os
import socket
import tempfile
import time
import traceback
from pathlib import Path

import torch
import torch.distributed as dist

START = 240  # seconds in which the slowest process has to be done


def free_port() -> str:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return str(listener.getsockname()[1])


def _run(rank, num, folder, function, args):
    torch.set_num_threads(1)
    os.environ.update(GLOO_SOCKET_IFNAME='lo', LOCAL_RANK=str(rank))
    try:
        dist.init_process_group(
            'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=num
        )
        torch.save(function(rank, *args), f'{folder}/{rank}.pt')
        dist.destroy_process_group()
    except BaseException:
        Path(folder, f'{rank}.txt').write_text(traceback.format_exc())
        raise


def run_processes(function, *args, num=2) -> list:
    """Results of ``function(rank, *args)``, of each rank.

    Processes that wait for each other for ever are ended, and named.
    """
    context = torch.multiprocessing.get_context('fork')
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            context.Process(target=_run, args=(rank, num, folder, function, args))
            for rank in range(num)
        ]
        for process in processes:
            process.start()
        deadline = time.monotonic() + START
        failed = False
        while any(process.is_alive() for process in processes) and not failed:
            time.sleep(0.02)
            failed = time.monotonic() > deadline
            failed |= any(process.exitcode for process in processes)
        hanging = [rank for rank in range(num) if processes[rank].is_alive()]
        for process in processes:
            process.kill()
            process.join()
        errors = [path.read_text() for path in sorted(Path(folder).glob('*.txt'))]
        assert not errors, '\n'.join(errors)
        assert not hanging, f'processes {hanging} hang'
        results = [Path(folder, f'{rank}.pt') for rank in range(num)]
        return [torch.load(path, weights_only=False) for path in results]

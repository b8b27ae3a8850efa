# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import atexit

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.device import get_device


def check_device(name: str | None) -> torch.device:
    """The device 'cpu', 'cuda:0', ...; None is the first GPU, or the CPU without one.

    ValueError if PyTorch knows no such device, or it is not there.
    """
    if name is None:
        name = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        text = f"no device '{name}': cpu, cuda:0 (the first GPU), ..."
        raise ValueError(text) from None
    number = torch.cuda.device_count()
    if device.type == 'cuda' and (device.index or 0) >= number:
        raise ValueError(f"device '{name}': PyTorch sees {number} GPUs here")
    return device


def prepare_cpu_processes(cfg: Config) -> None:
    """Let the processes of torchrun work together without GPUs.

    mmengine's ``pytorch`` launcher hands the number of a GPU to each process's
    ``DistributedDataParallel``. Where there is none, the process group is started here,
    with gloo, and the ``model_wrapper_cfg`` is completed in place, without a device.
    """
    if cfg.get('launcher') != 'pytorch' or get_device() != 'cpu':
        return
    if not torch.distributed.is_initialized():  # by an earlier run of this process
        torch.distributed.init_process_group('gloo')
        # A group left open can abort the process at its exit, in gloo's own threads.
        group = torch.distributed
        atexit.register(
            lambda: group.is_initialized() and group.destroy_process_group()
        )
    if cfg.get('model_wrapper_cfg') is None:
        # the defaults of mmengine's Runner
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )
    cfg.model_wrapper_cfg.setdefault('device_ids', None)

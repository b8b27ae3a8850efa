# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import atexit

import torch.distributed
from mmengine.config import Config
from mmengine.device import get_device


def prepare_cpu_processes(cfg: Config) -> None:
    """Let the processes of torchrun work together without GPUs.

    mmengine's ``pytorch`` launcher selects a GPU for each process and hands its number
    to ``DistributedDataParallel``; on a machine without one, both raise. There the
    process group is started here, with gloo, and the model's wrapper gets no device.
    With GPUs, and with other launchers, nothing is done.

    Args:
        cfg (Config): Config of the run with ``launcher`` set; its ``model_wrapper_cfg``
            is completed in place.
    """
    if cfg.get('launcher') != 'pytorch' or get_device() != 'cpu':
        return
    if not torch.distributed.is_initialized():  # by an earlier run of this process
        torch.distributed.init_process_group('gloo')
        # A group left open can abort the process at its exit, in gloo's own threads.
        atexit.register(_end_process_group)
    if cfg.get('model_wrapper_cfg') is None:
        # the defaults of mmengine's Runner
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )
    cfg.model_wrapper_cfg.setdefault('device_ids', None)


def _end_process_group() -> None:
    """End the process group if nobody did so before."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()

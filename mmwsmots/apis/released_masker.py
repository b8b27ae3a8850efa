# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmwsmots.utils import find_config

NAME = 'box-masker_mnv2_coco-labels'


def released_masker() -> tuple[Path, Path]:
    """Config and weights of the :class:`BoxMasker` that comes with the project."""
    config = find_config(f'mmwsmots::masker/{NAME}.py')
    return config, config.with_suffix('.pth')

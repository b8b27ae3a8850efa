# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from copy import deepcopy
from pathlib import Path

from mmengine.config import Config

PACKAGE = Path(__file__).resolve().parents[1]


def find_config(name: str | Path) -> Path:
    """The file of a config: a path, or the name of one of the project's configs.

    That is ``wsmots_r50_fpn_kitti`` or ``mmwsmots::wsmots/wsmots_r50_fpn_kitti.py``;
    FileNotFoundError if there is neither.
    """
    if Path(name).is_file():
        return Path(name)
    for folder in (PACKAGE.parent / 'configs', PACKAGE / '.mim/configs'):
        for path in sorted(folder.glob('[!_]*/*.py')):
            full_name = f'mmwsmots::{path.parent.name}/{path.name}'
            if str(name) in (path.stem, full_name):
                return path
    raise FileNotFoundError(f'{name}: no such config file, and no config of mmwsmots')


def read_config_file(config: str | Path | Config) -> Config:
    """Read a config, see :func:`find_config`; one that is read already is copied.

    OSError if it is not there or cannot be read; ValueError says why it is no config.
    """
    if isinstance(config, Config):
        return deepcopy(config)
    path = find_config(config)
    try:
        return Config.fromfile(path)
    except Exception as error:  # a config is code, which can fail in any way
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise  # of the system, as a full disk
        raise ValueError(
            f'{path}: cannot be read as a config ({type(error).__name__}: {error})'
        ) from error

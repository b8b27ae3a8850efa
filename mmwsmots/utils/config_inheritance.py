# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmengine.config import Config

PREFIX = 'mmwsmots::'
CONFIGS = Path(__file__).resolve().parents[1] / '.mim/configs'


def inherit_own_configs() -> None:
    """Let any config inherit ours: ``_base_ = 'mmwsmots::NAME.py'``.

    mmengine resolves ``package::`` only for the projects that its source names, only
    below a folder of configs, and, upstream, not in editable installs. Hence our
    prefix is resolved here, before it asks mmengine. Types get the scope ``mmdet``,
    where ours are registered.
    """
    resolve = Config._get_cfg_path

    def get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if not cfg_path.startswith(PREFIX):
            return resolve(cfg_path, filename)
        path = CONFIGS / cfg_path[len(PREFIX) :]
        if not path.is_file():
            raise FileNotFoundError(
                f'{filename}: no {cfg_path} in {CONFIGS}'
                + ('' if CONFIGS.is_dir() else ' (which pip install makes)')
            )
        return str(path), 'mmdet'

    Config._get_cfg_path = staticmethod(get_cfg_path)

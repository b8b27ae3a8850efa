# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""A small masker with random weights, as a user has a trained one."""

from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner import save_checkpoint


def small_masker(repo: Path, folder: Path, stage: str = 'labels') -> tuple[Path, Path]:
    """Config and checkpoint of a masker of crops of 32 pixels.

    Args:
        repo (Path): Root of the checkout.
        folder (Path): Where to write them.
        stage (str): 'boxes' or 'labels'.

    Returns:
        tuple[Path, Path]: The files.
    """
    cfg = Config.fromfile(repo / f'configs/masker/box-masker_mnv2_coco-{stage}.py')
    if stage == 'labels':
        (folder / 'first').mkdir(exist_ok=True)
        config, checkpoint = small_masker(repo, folder / 'first', 'boxes')
        cfg.first_stage = dict(config=str(config), checkpoint=str(checkpoint))
    cfg.model.backbone.init_cfg = None
    cfg.model.crop_size = 32
    cfg.model.decoder.channels = 16
    cfg.train_dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    cfg.default_hooks.logger.interval = 1
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    # Logits that differ over the cells.
    torch.nn.init.normal_(model.decoder.predictor.weight, std=0.5)
    config, checkpoint = folder / 'masker.py', folder / 'masker.pth'
    cfg.dump(config)
    save_checkpoint(dict(state_dict=model.state_dict()), str(checkpoint))
    return config, checkpoint

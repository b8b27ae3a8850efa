# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The named recipes: a config of the repository and what each changes in it."""

from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config

from benchmarks.common import ROOT

# Where each preset has its recipes: a small model in minutes on a CPU, and the
# repository's full configs.
CONFIGS = dict(
    cpu='configs/wsmots/{}_mnv2_fpn_rendered.py',
    gpu='configs/wsmots/{}_r50_fpn_kitti.py',
)
SUPERVISED, PAPER, MASKER = 'mots', 'wsmots', 'wsmots-masker'

ROI = 'model.detector.roi_head.'
MASK = ROI + 'mask_head.'
# Of all rows of the small models: the paper's score threshold, as theirs is for
# trainings of minutes, and the motion that tracks the held-back sequences best.
CPU_TEST = {
    'model.detector.test_cfg.rcnn.score_thr': 0.9,
    'model.tracker.motion': 'kalman',
}


class Variant(NamedTuple):
    """A row of the table.

    Attributes:
        config (str): Recipe, of those that :data:`CONFIGS` has.
        options (dict): Changes, with dotted keys.
    """

    config: str
    options: dict = {}


VARIANTS = {
    'supervised': Variant(SUPERVISED),
    'paper': Variant(PAPER),
    'paper-no-crf': Variant(PAPER, {MASK + 'loss_crf': None}),
    'paper-detach': Variant(PAPER, {'model.track_head.detach_mask': True}),
    'loc-only': Variant(
        PAPER, {MASK + 'loss_crf': None, 'model.track_head.detach_mask': True}
    ),
    'masker': Variant(MASKER),
}
# What all variants start from.
DETECTOR_ONLY = Variant(
    PAPER,
    {
        ROI + 'mask_head': None,
        ROI + 'mask_roi_extractor': None,
        'model.track_head': None,
    },
)


def train_config(
    variant: Variant,
    data_root: Path,
    iters: int,
    seed: int,
    load_from: Path | None = None,
    preset: str = 'cpu',
) -> Config:
    """Config of a training.

    Args:
        variant (Variant): What to train.
        data_root (Path): Data set with ``annotations/kitti_mots_train.json``.
        iters (int): Iterations.
        seed (int): Of all random choices.
        load_from (Path, optional): Checkpoint of a detector, to be frozen.
        preset (str): Of :data:`CONFIGS`. Defaults to 'cpu'.

    Returns:
        Config: Complete, without validation.
    """
    cfg = Config.fromfile(ROOT / CONFIGS[preset].format(variant.config))
    cfg.merge_from_dict(variant.options)
    cfg.train_dataloader.dataset.data_root = str(data_root)
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=iters)
    if preset == 'cpu':
        cfg.param_scheduler[1].T_max = iters
    else:  # the paper's batch on one GPU; steps at 100 and 130 of 150, in iterations
        cfg.train_dataloader.batch_size = 8
        steps = [iters * 2 // 3, iters * 13 // 15]
        cfg.param_scheduler[1].update(by_epoch=False, milestones=steps)
        cfg.log_processor.by_epoch = False
    cfg.default_hooks.checkpoint.update(
        by_epoch=False, interval=min(iters, 100), max_keep_ckpts=1
    )
    if cfg.model.detector.roi_head.mask_head is None:
        cfg.custom_hooks = [h for h in cfg.custom_hooks if h.type != 'MaskGuardHook']
    cfg.randomness = dict(seed=seed)
    cfg.load_from = str(load_from) if load_from else None
    cfg.model.freeze_detector = load_from is not None
    return cfg


def eval_config(variant: Variant, preset: str = 'cpu') -> Config:
    """Config of a test: model and pipeline."""
    cfg = Config.fromfile(ROOT / CONFIGS[preset].format(variant.config))
    common = CPU_TEST if preset == 'cpu' else {}
    cfg.merge_from_dict({**common, **variant.options})
    return cfg

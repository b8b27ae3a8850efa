# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The named recipes: a config of the repository and what each changes in it."""

from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config

from benchmarks.common import ROOT, find_transform

# Where each preset has its recipes: a small model in minutes on a CPU, and the
# repository's full configs.
CONFIGS = dict(
    cpu='configs/wsmots/{}_mnv2_fpn_rendered.py',
    gpu='configs/wsmots/{}_r50_fpn_kitti.py',
)
SUPERVISED, PAPER, PLUS, MASKER = 'mots', 'wsmots', 'wsmots-plus', 'wsmots-masker'

ROI = 'model.detector.roi_head.'
MASK = ROI + 'mask_head.'
CAM = ROI + 'bbox_head.'
RCNN = 'model.detector.test_cfg.rcnn.'
REFINER = RCNN + 'mask_refiner.'

_PLUS_TEST, _PAPER_TEST = (
    Config.fromfile(
        ROOT / f'configs/_base_/models/{recipe}_r50_fpn.py'
    ).model.detector.test_cfg.rcnn
    for recipe in (PLUS, PAPER)
)
# The plus recipe's settings of the test, for others that have its context.
AS_PLUS = {
    RCNN + key: value for key, value in _PLUS_TEST.items() if key not in _PAPER_TEST
}
UNREFINED = {REFINER + 'mean_field': None}
UNCOVERED = {REFINER + 'min_coverage': None}
# What the plus recipe has besides its losses, for a fair test-time refinement.
CONTEXT = {
    ROI + 'mask_context': 1.6,
    ROI + 'mask_roi_sampler': dict(type='JitteredRoISampler', num_per_gt=2),
    MASK + 'upsample_cfg': dict(type='bilinear', scale_factor=2),
    MASK + 'num_upsample_convs': 1,
    RCNN + 'mask_refiner': dict(type='MaskRefiner', clip_masks=True),
}
# Of all rows of the small models: the paper's score threshold, as theirs is for
# trainings of minutes, and the motion that tracks the held-back sequences best.
CPU_TEST = {RCNN + 'score_thr': 0.9, 'model.tracker.motion': 'kalman'}
FINE = {
    ROI + 'mask_roi_extractor.roi_layer.output_size': 28,
    'model.detector.train_cfg.rcnn.mask_size': 56,
}
CAMS = {
    ROI + 'type': 'GradCAMRoIHead',
    CAM + 'type': 'GradCAMBBoxHead',
    MASK + 'type': 'GradCAMMaskHead',
    MASK + 'loss_crf': None,
}
HIRES = {CAM + 'cam_mode': 'hires', CAM + 'cam_norm': 'signed'}


class Variant(NamedTuple):
    """A row of the table.

    Attributes:
        config (str): Recipe, of those that :data:`CONFIGS` has.
        options (dict): Changes for the training and the test, with dotted keys.
        test_options (dict): Further changes for the test alone.
        trained_as (str | None): The variant whose training is used, if not its own.
        shadow (dict): Changes of :class:`RandomShadow` in training.
    """

    config: str
    options: dict = {}
    test_options: dict = {}
    trained_as: str | None = None
    shadow: dict = {}


def _tested(name: str, trained: Variant, *options: dict) -> Variant:
    """The same weights under other settings of the test."""
    merged = {key: value for part in options for key, value in part.items()}
    return trained._replace(test_options=merged, trained_as=name)


_CONTEXT = Variant(SUPERVISED, CONTEXT)
_PLUS = Variant(PLUS)
VARIANTS = {
    'supervised': Variant(SUPERVISED),
    'supervised-context': _CONTEXT,
    'supervised-context+refined': _tested('supervised-context', _CONTEXT, AS_PLUS),
    'paper': Variant(PAPER),
    'paper-no-crf': Variant(PAPER, {MASK + 'loss_crf': None}),
    'paper-detach': Variant(PAPER, {'model.track_head.detach_mask': True}),
    'loc-only': Variant(
        PAPER, {MASK + 'loss_crf': None, 'model.track_head.detach_mask': True}
    ),
    'masker': Variant(MASKER),
    'plus': _PLUS,
    'plus-unrefined': _tested('plus', _PLUS, UNREFINED),
    'plus-uncovered': _tested('plus', _PLUS, UNCOVERED),
    'plus-one-share': _tested('plus', _PLUS, {REFINER + 'max_empty_share': 0.05}),
    'plus-rois': Variant(
        PLUS,
        {
            ROI + 'mask_roi_sampler.num_per_gt': 6,
            ROI + 'mask_roi_sampler.max_per_img': 32,
        },
    ),
    'plus-no-shadow': Variant(PLUS, shadow=dict(prob=0.0)),
    'plus-dark-shadows': Variant(PLUS, shadow=dict(max_num=8, gain=(0.03, 0.5))),
    'plus-far-jitter': Variant(
        PLUS,
        {
            ROI + 'mask_roi_sampler.center_jitter': 0.4,
            ROI + 'mask_roi_sampler.scale_jitter': 0.35,
        },
    ),
    # Masks of 56 cells: from features one level finer, or seen as widely as with 28.
    'plus-fine': Variant(PLUS, {**FINE, ROI + 'mask_roi_extractor.finest_scale': 112}),
    'plus-fine-wide': Variant(
        PLUS,
        {
            **FINE,
            MASK + 'conv_kernel_size': 5,
            MASK + 'loss_pairwise.dilation': 4,
        },
    ),
    'plus-wide': Variant(PLUS, {MASK + 'conv_kernel_size': 5}),
    # Of the losses against shadows, one taken back at a time.
    'plus-low-loc': Variant(PLUS, {MASK + 'loss_loc.loss_weight': 0.3}),
    'plus-high-topk': Variant(PLUS, {MASK + 'loss_projection.topk': [0.7, 0.45]}),
    'plus-no-ground': Variant(PLUS, {MASK + 'loss_projection.ground_share': 1.0}),
    'plus-max-projection': Variant(PLUS, {MASK + 'loss_projection.topk': 0.0}),
    'plus-no-pairwise': Variant(PLUS, {MASK + 'loss_pairwise': None}),
    'plus-cam': Variant(PLUS, {**CAMS, MASK + 'cam_thr': 0.8}),
    'plus-cam-per-class': Variant(PLUS, {**CAMS, MASK + 'cam_thr': [0.7, 0.9]}),
    'plus-hires': Variant(PLUS, {**CAMS, **HIRES, MASK + 'cam_thr': 0.5}),
    'plus-crf': Variant(
        PLUS,
        {MASK + 'loss_crf': dict(type='CRFLoss', sigma_rgb=8.0, loss_weight=2e-8)},
    ),
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
    if variant.shadow:
        pipeline = cfg.train_dataloader.dataset.pipeline
        find_transform(pipeline, 'RandomShadow').update(variant.shadow)
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
    cfg.merge_from_dict({**common, **variant.options, **variant.test_options})
    return cfg

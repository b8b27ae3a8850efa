# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import time
from copy import deepcopy
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner, save_checkpoint

from mmwsmots.fileio import atomic_write
from mmwsmots.fileio.coco_boxes import image_boxes, read_coco
from mmwsmots.models.maskers import BoxMasker
from mmwsmots.utils import prepare_cpu_processes, weights_only

from .inference import build_model, check_exists, load_weights, read_config
from .label_dataset import label_dataset

WARM_UP = 50  # iterations at most
SAVE_INTERVAL = 50  # iterations at least


def adapt_box_masker(
    config: str | Path | Config,
    checkpoint: str | Path,
    ann_file: str | Path,
    img_folder: str | Path,
    work_dir: str | Path,
    num_iters: int,
    resume: bool = False,
    launcher: str = 'none',
) -> Path:
    """Go on training a masker on the boxes that it is to label.

    A masker that learns from masks has a first stage that learns from boxes alone,
    ``first_stage`` of the config, a dict of its ``config`` and ``checkpoint`` and, if
    not 1, ``num_iters_factor``: that stage goes on for ``num_iters_factor * num_iters``
    iterations on the boxes and labels them together with the masker, see
    :class:`BoxMaskerEnsemble`; then the masker learns from these labels for
    ``num_iters``. Without ``first_stage`` it learns from its own labels, which changes
    it little. A masker that learns from boxes goes on by itself. Masks of the file are
    never read.

    The configs' models, data pipelines and optimizers are taken; a schedule becomes
    ``num_iters`` iterations with a warm-up and a cosine decay.

    Args:
        config (str | Path | Config): Of a :class:`BoxMasker`, see
            :func:`init_mots_model`.
        checkpoint (str | Path): Weights to start from.
        ann_file (str | Path): COCO or CocoVID file with boxes of any classes.
        img_folder (str | Path): Folder that its file names are relative to.
        work_dir (str | Path): Folder for logs and checkpoints.
        num_iters (int): Number of iterations on labels, or of a config that learns from
            boxes.
        resume (bool): Whether to go on from the last checkpoint in ``work_dir``.
        launcher (str): 'none', or what started the processes, e.g. 'pytorch'.

    Returns:
        Path: The trained checkpoint.

    Raises:
        FileNotFoundError: If the file of annotations or a checkpoint does not exist.
        ValueError: If a config is of another model, the file breaks its format or has
            no box, or the checkpoint holds more than tensors and plain data.
    """
    work_dir = Path(work_dir).resolve()
    coco = read_coco(ann_file)
    if not image_boxes(coco, ann_file):
        raise ValueError(f'{ann_file}: no box to train on')
    classes = [cat['name'] for cat in coco['categories']]
    cfg, name = read_config(config, BoxMasker)
    run = dict(resume=resume, launcher=launcher)
    if not _learns_from_masks(cfg):
        data = ann_file, img_folder, classes, work_dir, num_iters
        return _train(cfg, name, checkpoint, *data, **run)
    labelled = work_dir / 'masks.json'
    if not (resume and labelled.is_file()):
        teacher = cfg, checkpoint
        if stage := cfg.get('first_stage'):
            first = read_config(stage['config'], BoxMasker)
            long = num_iters * stage.get('num_iters_factor', 1)
            data = ann_file, img_folder, classes, work_dir / 'first_stage', long
            trained = _train(*first, stage['checkpoint'], *data, **run)
            teacher = _ensemble(
                (cfg, name, checkpoint), (*first, trained), work_dir / 'ensemble.pth'
            )
        data = ann_file, img_folder, labelled, work_dir / 'label'
        label_dataset(*teacher, *data, launcher)
    data = labelled, img_folder, classes, work_dir, num_iters
    return _train(cfg, name, checkpoint, *data, **run)


def _ensemble(masker: tuple, other: tuple, out: Path) -> tuple[Config, Path]:
    """Config and weights of two maskers, each a config, its name and weights."""
    weights = {}
    for prefix, (cfg, name, checkpoint) in {'': masker, 'other.': other}.items():
        model = build_model(cfg, name)
        check_exists(checkpoint)
        load_weights(model, checkpoint, name)
        weights.update({prefix + k: v for k, v in model.state_dict().items()})
    with atomic_write(out) as temp:  # by each process of several
        save_checkpoint(dict(state_dict=weights), str(temp))
    cfg = deepcopy(masker[0])
    cfg.model.update(type='BoxMaskerEnsemble', other=other[0].model)
    return cfg, out


def _learns_from_masks(cfg: Config) -> bool:
    return bool(cfg.model.get('loss_mask') or cfg.model.get('loss_dice'))


def _train(
    cfg: Config,
    name: str,
    checkpoint: str | Path,
    ann_file: str | Path,
    img_folder: str | Path,
    classes: list[str],
    work_dir: Path,
    num_iters: int,
    resume: bool,
    launcher: str,
) -> Path:
    """One training; returns its checkpoint."""
    trained = work_dir / f'iter_{num_iters}.pth'
    note = work_dir / 'last_checkpoint'
    last = Path(note.read_text().strip()) if resume and note.is_file() else None
    resume = last is not None and last.is_file()  # a kill may leave the note empty
    if resume and last.name == trained.name:
        return trained
    cfg = deepcopy(cfg)
    cfg.model.backbone.init_cfg = None
    if not resume:  # the runner would take weights of another model, as far as they fit
        check_exists(checkpoint)
        load_weights(build_model(cfg, name), checkpoint, name)
    cfg.work_dir, cfg.launcher = str(work_dir), launcher
    cfg.experiment_name = f'adapt_{time.time_ns()}'  # one of its own for each run
    cfg.resume = resume
    cfg.load_from = None if resume else str(checkpoint)
    dataset = cfg.train_dataloader.dataset
    dataset.data_root = ''
    dataset.ann_file = str(Path(ann_file).resolve())
    dataset.data_prefix = dict(img=str(Path(img_folder).resolve()))
    dataset.metainfo = dict(classes=classes)
    _shorten(cfg, num_iters)
    prepare_cpu_processes(cfg)
    with weights_only(checkpoint):
        Runner.from_cfg(cfg).train()
    return trained


def _shorten(cfg: Config, num_iters: int) -> None:
    """Give a config its schedule."""
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=num_iters)
    cfg.param_scheduler = [
        dict(
            type='LinearLR',
            start_factor=0.1,
            by_epoch=False,
            begin=0,
            end=min(WARM_UP, 1 + num_iters // 8),
        ),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=0, T_max=num_iters),
    ]
    for hook in cfg.get('custom_hooks', []):
        if hook['type'] == 'EMAHook':  # over a fifth of the run at most
            hook['momentum'] = max(hook.get('momentum', 0), 5 / (num_iters + 5))
    for kind in ('val', 'test'):  # nothing is evaluated: there are no masks
        for part in ('dataloader', 'cfg', 'evaluator'):
            cfg.pop(f'{kind}_{part}', None)
    cfg.default_hooks.checkpoint.update(
        by_epoch=False, interval=max(SAVE_INTERVAL, num_iters // 20), max_keep_ckpts=2
    )
    cfg.log_processor = dict(by_epoch=False)
    if cfg.get('randomness', {}).get('seed') is None:
        cfg.randomness = dict(seed=0)

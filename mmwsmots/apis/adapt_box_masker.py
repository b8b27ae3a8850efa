# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import time
from copy import deepcopy
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import barrier
from mmengine.runner import Runner, save_checkpoint

from mmwsmots.fileio import atomic_write, check_existing
from mmwsmots.fileio.coco_files import image_boxes, read_coco
from mmwsmots.models.maskers import BoxMasker
from mmwsmots.utils import prepare_cpu_processes, weights_only

from .inference import build_model, check_exists, load_weights, read_config

# Images at their own size: the model cuts its crops out of them.
PIPELINE = [
    dict(type='LoadAnnotatedFrame'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'ann_indices'),
    ),
]
WARM_UP = 50  # iterations at most
SAVE_INTERVAL = 50  # iterations at least


def label_dataset(
    config: str | Path | Config,
    checkpoint: str | Path,
    ann_file: str | Path,
    img_folder: str | Path,
    out_file: str | Path,
    work_dir: str | Path,
    launcher: str = 'none',
    overwrite: bool = False,
) -> dict[str, float]:
    """Write an annotation file again with masks of its boxes, over GPUs and nodes.

    Args:
        config, checkpoint, ann_file, img_folder, launcher: See
            :func:`adapt_box_masker`.
        out_file (str | Path): The file to write, see :class:`DumpMaskLabels`.
        work_dir (str | Path): Folder for logs.
        overwrite (bool): Whether to replace ``out_file`` if it is there.

    Returns:
        dict[str, float]: ``masks/number`` and their mean ``masks/score``.

    Raises:
        FileExistsError: If ``out_file`` would be replaced without being told to.
        FileNotFoundError: If the file of annotations does not exist.
        ValueError: If the file breaks its format, an image is missing or has another
            size than the file says, or the checkpoint is not one of the config's model.
    """
    check_existing([Path(out_file)], overwrite=overwrite)
    cfg, name = read_config(config, BoxMasker)
    _remove_loops(cfg, 'train', 'val', 'test')
    for key in ('optim_wrapper', 'param_scheduler', 'custom_hooks'):
        cfg.pop(key, None)
    cfg.test_cfg = dict(type='TestLoop')
    files = dict(ann_file=str(ann_file))
    cfg.test_evaluator = dict(type='DumpMaskLabels', out_file=str(out_file), **files)
    files.update(data_prefix=dict(img=str(img_folder)))
    cfg.test_dataloader = dict(
        batch_size=1,
        num_workers=1,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='BoxDataset', test_mode=True, pipeline=PIPELINE, **files),
    )
    cfg.load_from, cfg.resume = None, False
    runner = _build_runner(cfg, 'label', work_dir, launcher)
    # The runner would take weights of another model, as far as their names fit.
    load_weights(runner.model, checkpoint, name)
    return runner.test()


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
    never read. A schedule becomes ``num_iters`` iterations with a warm-up and a cosine
    decay; models, data pipelines and optimizers are the configs'.

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
        raise ValueError(f'{ann_file}: no box lies in its image')
    classes = [cat['name'] for cat in coco['categories']]
    cfg, name = read_config(config, BoxMasker)
    masker = cfg, name, checkpoint
    rest = img_folder, classes, resume, launcher
    if not (cfg.model.get('loss_mask') or cfg.model.get('loss_dice')):
        return _train(masker, ann_file, work_dir, num_iters, *rest)
    labelled = work_dir / 'masks.json'
    if not (resume and labelled.is_file()):
        teacher = cfg, checkpoint
        if stage := cfg.get('first_stage'):
            first = *read_config(stage['config'], BoxMasker), stage['checkpoint']
            long = num_iters * stage.get('num_iters_factor', 1)
            trained = _train(first, ann_file, work_dir / 'first_stage', long, *rest)
            other = *first[:2], trained
            teacher = _ensemble(masker, other, work_dir / 'ensemble.pth')
        data = ann_file, img_folder, labelled, work_dir / 'label'
        label_dataset(*teacher, *data, launcher, overwrite=True)
    return _train(masker, labelled, work_dir, num_iters, *rest)


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


def _remove_loops(cfg: Config, *kinds: str) -> None:
    for kind in kinds:
        for part in ('dataloader', 'cfg', 'evaluator'):
            cfg.pop(f'{kind}_{part}', None)


def _build_runner(
    cfg: Config, kind: str, work_dir: str | Path, launcher: str
) -> Runner:
    cfg.work_dir, cfg.launcher = str(work_dir), launcher
    cfg.experiment_name = f'{kind}_{time.time_ns()}'  # one of its own for each run
    prepare_cpu_processes(cfg)
    return Runner.from_cfg(cfg)


def _train(
    masker: tuple[Config, str, str | Path],
    ann_file: str | Path,
    work_dir: Path,
    num_iters: int,
    img_folder: str | Path,
    classes: list[str],
    resume: bool,
    launcher: str,
) -> Path:
    """Train a config with its name and weights; returns the checkpoint."""
    cfg, name, checkpoint = masker
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
    cfg.load_from, cfg.resume = None if resume else str(checkpoint), resume
    dataset = cfg.train_dataloader.dataset
    dataset.data_root, dataset.ann_file = '', str(Path(ann_file).resolve())
    dataset.data_prefix = dict(img=str(Path(img_folder).resolve()))
    dataset.metainfo = dict(classes=classes)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=num_iters)
    end = min(WARM_UP, 1 + num_iters // 8)
    cfg.param_scheduler = [
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=end),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=0, T_max=num_iters),
    ]
    for hook in cfg.get('custom_hooks', []):
        if hook['type'] == 'EMAHook':  # over a fifth of the run at most
            hook['momentum'] = max(hook.get('momentum', 0), 5 / (num_iters + 5))
    _remove_loops(cfg, 'val', 'test')  # nothing is evaluated: there are no masks
    cfg.default_hooks.checkpoint.update(
        by_epoch=False, interval=max(SAVE_INTERVAL, num_iters // 20), max_keep_ckpts=2
    )
    cfg.log_processor = dict(by_epoch=False)
    if cfg.get('randomness', {}).get('seed') is None:
        cfg.randomness = dict(seed=0)
    with weights_only(checkpoint):
        _build_runner(cfg, 'adapt', work_dir, launcher).train()
    barrier()  # the first process writes what all read next
    return trained

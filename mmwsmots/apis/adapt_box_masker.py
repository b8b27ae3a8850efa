# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmwsmots.fileio.coco_boxes import image_boxes, read_coco
from mmwsmots.models.maskers import BoxMasker
from mmwsmots.utils import prepare_cpu_processes, weights_only

from .inference import read_config
from .label_dataset import label_dataset

LR_FACTOR = 0.2  # of the config's learning rate: the weights know their task
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

    The config's model, data pipeline and optimizer are taken, at a fifth of the
    learning rate; its schedule becomes ``num_iters`` iterations with a warm-up and a
    cosine decay. A masker that learns from masks gets those that it makes itself of the
    boxes; masks of the file are never read.

    Args:
        config (str | Path | Config): Of a :class:`BoxMasker`, see
            :func:`init_mots_model`.
        checkpoint (str | Path): Weights to start from.
        ann_file (str | Path): COCO or CocoVID file with boxes of any classes.
        img_folder (str | Path): Folder that its file names are relative to.
        work_dir (str | Path): Folder for logs and checkpoints.
        num_iters (int): Number of iterations.
        resume (bool): Whether to go on from the last checkpoint in ``work_dir``.
        launcher (str): 'none', or what started the processes, e.g. 'pytorch'.

    Returns:
        Path: The trained checkpoint.

    Raises:
        FileNotFoundError: If the file of annotations does not exist.
        ValueError: If the config is of another model, the file breaks its format or has
            no box, or the checkpoint holds more than tensors and plain data.
    """
    work_dir = Path(work_dir).resolve()
    trained = work_dir / f'iter_{num_iters}.pth'
    last = work_dir / 'last_checkpoint'
    if (
        resume
        and last.is_file()
        and Path(last.read_text().strip()).name == trained.name
    ):
        return trained
    coco = read_coco(ann_file)
    if not image_boxes(coco, ann_file):
        raise ValueError(f'{ann_file}: no box to train on')
    cfg, _ = read_config(config, BoxMasker)
    if cfg.model.get('loss_mask') or cfg.model.get('loss_dice'):
        labelled = work_dir / 'masks.json'
        if not (resume and labelled.is_file()):
            data = ann_file, img_folder, labelled, work_dir / 'label'
            label_dataset(cfg, checkpoint, *data, launcher)
        ann_file = labelled
    cfg.work_dir, cfg.launcher = str(work_dir), launcher
    cfg.experiment_name = f'adapt_{time.time_ns()}'  # one of its own for each run
    cfg.resume = resume and last.is_file()
    cfg.load_from = None if cfg.resume else str(checkpoint)
    cfg.model.backbone.init_cfg = None
    dataset = cfg.train_dataloader.dataset
    dataset.data_root = ''
    dataset.ann_file = str(Path(ann_file).resolve())
    dataset.data_prefix = dict(img=str(Path(img_folder).resolve()))
    dataset.metainfo = dict(classes=[cat['name'] for cat in coco['categories']])
    _shorten(cfg, num_iters)
    prepare_cpu_processes(cfg)
    with weights_only(checkpoint):
        Runner.from_cfg(cfg).train()
    return trained


def _shorten(cfg: Config, num_iters: int) -> None:
    """Give a config its schedule."""
    cfg.optim_wrapper.optimizer.lr *= LR_FACTOR
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
    for kind in ('val', 'test'):  # nothing is evaluated: there are no masks
        for part in ('dataloader', 'cfg', 'evaluator'):
            cfg.pop(f'{kind}_{part}', None)
    cfg.default_hooks.checkpoint.update(
        by_epoch=False, interval=max(SAVE_INTERVAL, num_iters // 20), max_keep_ckpts=2
    )
    cfg.log_processor = dict(by_epoch=False)
    if cfg.get('randomness', {}).get('seed') is None:
        cfg.randomness = dict(seed=0)

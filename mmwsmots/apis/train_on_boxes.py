# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmwsmots.datasets.clip_boxes import add_box, add_frames, extract_frames
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_txt import CLASS_IDS
from mmwsmots.utils import weights_only

WARM_UP = 50  # iterations at most
SAVE_INTERVAL = 50  # iterations at least


def train_on_boxes(
    config: str | Path | Config,
    frames: str | Path,
    boxes: Iterable[TrackedBox],
    folder: str | Path,
    num_iters: int,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> Path:
    """Train a model on the boxes of one clip.

    The config's model, data pipeline and optimizer are taken; its schedule becomes
    ``num_iters`` iterations with a warm-up and a cosine decay. Frames without boxes,
    and unreadable ones, are left out.

    Args:
        config (str | Path | Config): Config of a :class:`MOTSNet`.
        frames (str | Path): Folder of pictures, or a video, whose frames are written to
            ``folder/frames``.
        boxes (Iterable[TrackedBox]): Boxes of the classes of KITTI MOTS, and ignored
            ones.
        folder (str | Path): For ``boxes.json``, logs and checkpoints.
        num_iters (int): Number of iterations.
        checkpoint (str | Path, optional): Weights to start from; None starts as the
            config does.
        resume (bool): Whether to go on from the last checkpoint in ``folder``.
            Defaults to False.

    Returns:
        Path: The trained checkpoint.

    Raises:
        FileNotFoundError: If weights that the config names do not exist.
        ValueError: If no box lies in a readable frame, or the checkpoint holds more
            than tensors and plain data.
    """
    folder = Path(folder).resolve()
    trained = folder / f'run/iter_{num_iters}.pth'
    last = folder / 'run/last_checkpoint'
    if (
        resume
        and last.is_file()
        and Path(last.read_text().strip()).name == trained.name
    ):
        return trained
    img_path = _write_boxes(frames, boxes, folder)
    cfg = deepcopy(config) if isinstance(config, Config) else Config.fromfile(config)
    _prepare(cfg, folder, img_path, num_iters)
    if checkpoint is not None:
        cfg.load_from = str(checkpoint)
        cfg.model.detector.backbone.init_cfg = None
        # For untrained mask heads; these are not.
        cfg.custom_hooks = [
            hook
            for hook in cfg.get('custom_hooks', [])
            if hook['type'] != 'LossWarmupHook'
        ]
    if resume:
        cfg.resume, cfg.load_from = True, None
    with weights_only(cfg.get('load_from') or folder):
        Runner.from_cfg(cfg).train()
    return trained


def _write_boxes(frames: str | Path, boxes: Iterable, folder: Path) -> Path:
    """Write boxes.json and return the folder that its file names are relative to."""
    reader = FrameReader(frames, keep_unreadable=True)
    if reader.files is None:
        video = FrameReader(frames)
        reader = extract_frames(video, folder / 'frames' / video.name)
    # All are read, so that the training does not stop at one.
    shapes = [None if frame is None else frame.shape[:2] for frame in reader]
    size = next((shape for shape in shapes if shape is not None), None)
    if size is None:
        raise ValueError(f'{reader.path}: no frame can be read')
    builder = CocoVIDBuilder(CLASS_IDS)
    add_frames(builder, reader, size)
    num_boxes = 0
    for box in boxes:
        if 0 <= box.frame_id < len(shapes) and shapes[box.frame_id] is not None:
            num_boxes += add_box(builder, box, size) and not box.is_ignored
    if num_boxes == 0:
        raise ValueError(f'{reader.path}: no box lies in a readable frame')
    builder.write(folder / 'boxes.json')
    return reader.path.parent


def _prepare(cfg: Config, folder: Path, img_path: Path, num_iters: int) -> None:
    """Let a config train on the clip."""
    cfg.work_dir = str(folder / 'run')
    cfg.launcher = 'none'
    dataset = cfg.train_dataloader.dataset
    dataset.ann_file = str(folder / 'boxes.json')
    dataset.data_prefix = dict(img_path=str(img_path))
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

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmwsmots.models.maskers import BoxMasker
from mmwsmots.utils import prepare_cpu_processes

from .inference import load_weights, read_config

# Images at their own size: the model cuts its crops out of them.
PIPELINE = [
    dict(type='LoadAnnotatedFrame'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'ann_indices'),
    ),
]


def label_dataset(
    config: str | Path | Config,
    checkpoint: str | Path,
    ann_file: str | Path,
    img_folder: str | Path,
    out_file: str | Path,
    work_dir: str | Path,
    launcher: str = 'none',
) -> dict[str, float]:
    """Write an annotation file again with masks of its boxes.

    A test loop of mmengine: it runs over GPUs and nodes as any test does.

    Args:
        config, checkpoint, ann_file, img_folder, launcher: See
            :func:`adapt_box_masker`.
        out_file (str | Path): The file to write, see :class:`DumpMaskLabels`.
        work_dir (str | Path): Folder for logs.

    Returns:
        dict[str, float]: ``masks/number`` and their mean ``masks/score``.

    Raises:
        FileNotFoundError: If the file of annotations or an image does not exist.
        ValueError: If the file breaks its format, an image has another size than the
            file says, or the checkpoint is not one of the config's model.
    """
    cfg, name = read_config(config, BoxMasker)
    if 'label_cfg' in cfg:
        cfg.merge_from_dict({'model.test_cfg': cfg.pop('label_cfg')})
    for kind in ('train', 'val', 'test'):
        for part in ('dataloader', 'cfg', 'evaluator'):
            cfg.pop(f'{kind}_{part}', None)
    for key in ('optim_wrapper', 'param_scheduler', 'custom_hooks'):
        cfg.pop(key, None)
    ann_file, out_file = str(ann_file), str(out_file)
    cfg.test_cfg = dict(type='TestLoop')
    cfg.test_dataloader = dict(
        batch_size=1,
        num_workers=1,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='BoxDataset',
            ann_file=ann_file,
            data_prefix=dict(img=str(img_folder)),
            test_mode=True,
            pipeline=PIPELINE,
        ),
    )
    cfg.test_evaluator = dict(
        type='DumpMaskLabels', ann_file=ann_file, out_file=out_file
    )
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = f'label_{time.time_ns()}'  # one of its own for each run
    cfg.launcher = launcher
    cfg.load_from, cfg.resume = None, False
    prepare_cpu_processes(cfg)
    runner = Runner.from_cfg(cfg)
    # The runner would take weights of another model, as far as their names fit.
    load_weights(runner.model, checkpoint, name)
    return runner.test()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Time of a training step with masks from boxes, beside one with ground-truth masks.

Both models have the same weights and see the same batches with the same random
numbers, hence the same proposals; the learning rate is 0, so that it stays so. Their
steps (losses, gradients, optimiser; not the loading of data) alternate in one process.

Example:
    python benchmarks/training_step.py configs/wsmots/wsmots_mnv2_fpn_rendered.py \
        configs/wsmots/mots_mnv2_fpn_rendered.py --data-root work_dirs/demo/train/
"""

import argparse
import copy
import datetime
import itertools
import time
from pathlib import Path

from common import machine

import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint, set_random_seed
from torch import nn

import mmwsmots  # noqa: F401  (registers the components)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('weak', type=Path, help='config that learns from boxes')
    parser.add_argument('supervised', type=Path, help='config that learns from masks')
    parser.add_argument('--data-root', help='converted data set, if another')
    parser.add_argument('--checkpoint', help='weights of the supervised config')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--batches', type=int, default=8)
    parser.add_argument('--rounds', type=int, default=5, help='passes over the batches')
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def load_batches(cfg: Config, count: int) -> list[dict]:
    """The first batches of the config's training data."""
    loader = Runner.build_dataloader(
        dict(cfg.train_dataloader, num_workers=0, persistent_workers=False), seed=0
    )
    return list(itertools.islice(loader, count))


def without_masks(batch: dict) -> dict:
    """What a loader without masks gives."""
    batch = copy.deepcopy(batch)
    for sample in batch['data_samples']:
        for frame in sample:
            for instances in (frame.gt_instances, frame.ignored_instances):
                if 'masks' in instances:
                    del instances.masks
    return batch


def step_time(model: nn.Module, optimizer: object, batch: dict, seed: int) -> float:
    """Milliseconds of one step on a copy of the batch."""
    batch = copy.deepcopy(batch)
    set_random_seed(seed)
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.synchronize()
    start = time.perf_counter()
    model.train_step(batch, optimizer)
    if on_gpu:
        torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    init_default_scope('mmdet')
    configs = {'weak': args.weak, 'supervised': args.supervised}
    configs = {name: Config.fromfile(path) for name, path in configs.items()}
    for cfg in configs.values():
        if args.data_root is not None:
            cfg.train_dataloader.dataset.data_root = args.data_root
    batches = load_batches(configs['supervised'], args.batches)
    data = {'supervised': batches, 'weak': [without_masks(x) for x in batches]}

    models, optimizers = {}, {}
    for name, cfg in configs.items():
        set_random_seed(0)
        model = MODELS.build(cfg.model)
        model.init_weights()
        models[name] = model.to(args.device).train()
    if args.checkpoint is not None:
        load_checkpoint(models['supervised'], args.checkpoint, strict=True)
    models['weak'].load_state_dict(models['supervised'].state_dict())
    for name, cfg in configs.items():
        cfg.optim_wrapper.optimizer.lr = 0.0
        optimizers[name] = build_optim_wrapper(models[name], cfg.optim_wrapper)

    times = {name: [] for name in models}
    for round in range(-1, args.rounds):
        for seed in range(len(batches)):
            for name, measured in times.items():
                optimizer = optimizers[name]
                taken = step_time(models[name], optimizer, data[name][seed], seed)
                if round >= 0:  # the one before warms up
                    measured.append(taken)
    weak, supervised = (np.array(times[name]) for name in ('weak', 'supervised'))
    lines = [
        f'{datetime.date.today()}, {machine(args.device)}, torch {torch.__version__}, '
        f'{args.threads} thread(s), {len(batches)} batches, '
        f'medians of {len(weak)} alternating steps',
        '',
        '| step | ms | relative |',
        '|---|---|---|',
        f'| {args.supervised.stem} | {np.median(supervised):.1f} | 1 |',
        f'| {args.weak.stem} | {np.median(weak):.1f} '
        f'| {np.median(weak) / np.median(supervised):.3f} |',
        '',
        f'Median of the ratios of the same batch: {np.median(weak / supervised):.3f}.',
    ]
    print('\n'.join(lines))
    if args.out is not None:
        args.out.write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()

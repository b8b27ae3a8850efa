# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Train recipes on rendered KITTI MOTS and measure them, in one table.

    python -m benchmarks.accuracy OUT --variants masker paper supervised --seeds 0 1 2

Renders frames of the official annotations, trains every variant with every seed and
writes medians over the seeds. All share one detector, trained on boxes first and
frozen while masks and embeddings learn: they differ in nothing else. Choose options
with --split dev, which holds back train sequences, and report on --split val. What OUT
has already is not done again; a training that was cut off goes on from its last
checkpoint, and with --minutes it is cut off in time.

    python -m benchmarks.accuracy OUT --preset gpu --minutes 10

ResNet-50 at full size on all frames, everything trained together on the paper's
schedule; again and again, until it writes its table.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import ROOT, fetch_weights, heading, report, run
from mmwsmots.apis import init_mots_model
from mmwsmots.fileio import atomic_write

from .evaluate import evaluate
from .pictures import draw_page
from .variants import (
    CONFIGS,
    DETECTOR_ONLY,
    MASKER,
    VARIANTS,
    eval_config,
    train_config,
)

sys.path.append(str(ROOT / 'tools/dataset_converters'))
from kitti_mots2coco import OFFICIAL_SPLITS

DETECTOR = 'detector'
HELD_BACK = ('0004', '0011', '0017')  # cars; cars and pedestrians; pedestrians
SHARED = ROOT.parent / 'shared/data'
# Differing defaults of a preset. 31,400 iterations of 8 clips of 3 frames: 150 epochs.
PRESETS = dict(
    cpu=dict(),
    gpu=dict(
        iters=31_400,
        detector_iters=0,
        train_frames=10_000,
        train_stride=1,
        test_frames=10_000,
        test_stride=1,
        scale=1.0,
        workers=8,
    ),
)
COLUMNS = dict(
    sMOTSA='.1f',
    MOTSA='.1f',
    MOTSP='.1f',
    paired_MOTSP='.1f',
    HOTA='.1f',
    share_above_half='.3f',
    foreground_ratio='.2f',
    given_sMOTSA='.1f',
    given_iou='.1f',
    given_share='.3f',
    given_ratio='.2f',
    given_boundary='.1f',
    given_low_contrast='.1f',
)
NAMES = dict(
    paired_MOTSP='paired MOTSP',
    share_above_half='share > 0.5',
    foreground_ratio='area / box',
    given_sMOTSA='sMOTSA in true boxes',
    given_iou='IoU in true boxes',
    given_share='share > 0.5',
    given_ratio='area / box',
    given_boundary='boundary IoU',
    given_low_contrast='IoU, low contrast',
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.accuracy',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('out', type=Path, help='folder for data, runs and measures')
    parser.add_argument(
        '--variants',
        nargs='+',
        choices=list(VARIANTS),
        default=['supervised', 'paper', 'loc-only', 'masker'],
        metavar='NAME',
        help=f'of: {", ".join(VARIANTS)}',
    )
    parser.add_argument(
        '--preset', choices=list(CONFIGS), default='cpu', help='model, data, schedule'
    )
    parser.add_argument('--minutes', type=float, help='stop training after so many')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--split', choices=['dev', 'val'], default='dev')
    parser.add_argument('--iters', type=int, default=450)
    parser.add_argument('--detector-iters', type=int, default=1800)
    parser.add_argument(
        '--adapt', type=int, default=200, help='iterations of the masker on the boxes'
    )
    parser.add_argument('--train-frames', type=int, default=36, help='of each sequence')
    parser.add_argument('--train-stride', type=int, default=6, help='frames apart')
    parser.add_argument('--test-frames', type=int, default=30)
    parser.add_argument('--test-stride', type=int, default=2)
    parser.add_argument('--scale', type=float, default=0.5)
    parser.add_argument('--workers', type=int, default=2, help='rendering processes')
    parser.add_argument(
        '--annotations', type=Path, default=SHARED / 'kitti_mots/instances_txt'
    )
    parser.add_argument('--backgrounds', type=Path, default=SHARED / 'kitti_raw_queue')
    parser.add_argument(
        '--grabcut',
        nargs='+',
        choices=list(VARIANTS),
        default=[],
        metavar='NAME',
        help='variants whose boxes GrabCut segments too',
    )
    parser.add_argument('--table', type=Path, help='Markdown file to write')
    parser.add_argument('--picture', type=Path, help='PNG of masks to write')
    parser.set_defaults(**PRESETS[parser.parse_known_args(argv)[0].preset])
    args = parser.parse_args(argv)
    args.deadline = args.minutes and time.monotonic() + 60 * args.minutes
    return args


def split_sequences(split: str) -> dict[str, list[str]]:
    """Sequences to train on and to test on."""
    train = [name for name in OFFICIAL_SPLITS['train'] if name not in HELD_BACK]
    if split == 'dev':
        return dict(train=train, test=list(HELD_BACK))
    return {'train': list(OFFICIAL_SPLITS['train']), 'test': OFFICIAL_SPLITS['val']}


def render(args: argparse.Namespace) -> dict[str, Path]:
    """Render what is missing and return the roots of both data sets."""
    roots = {}
    for part, names in split_sequences(args.split).items():
        root = args.out / f'{args.split}_{part}'
        roots[part] = root
        if (root / 'annotations/kitti_mots_train.json').is_file():
            continue
        frames, stride = (
            getattr(args, f'{part}_{key}') for key in ('frames', 'stride')
        )
        run(
            *('projects/rendered_mots/render_mots.py', root, '--overwrite'),
            *('--annotations', args.annotations, '--backgrounds', args.backgrounds),
            *('--scale', args.scale, '--frames', frames),
            *('--frame-stride', stride, '--workers', args.workers),
            *('--sequences', *names),
        )
        convert = 'tools/dataset_converters/kitti_mots2coco.py'
        run(convert, root, '--split', 'train', '--train', *names, '--overwrite')
    return roots


def run_dir(name: str, seed: int, args: argparse.Namespace) -> Path:
    """Folder of a training: checkpoints, measures and masks."""
    return args.out / f'{args.split}_runs' / name / f'seed{seed}'


def masks_dir(name: str, seed: int, args: argparse.Namespace) -> Path:
    """Folder of a variant's masks, ``KIND/SSSS.txt``, see :func:`evaluate`."""
    return run_dir(name, seed, args) / 'masks'


def label(data_root: Path, args: argparse.Namespace) -> Path:
    """Write the masker's masks of the training boxes, if they are missing.

    Returns the weights of the masker, adapted to the boxes.
    """
    work_dir = args.out / f'{args.split}_label'
    boxes = data_root / 'annotations/kitti_mots_train.json'
    masks = boxes.with_name('kitti_mots_train_masks.json')
    if not masks.is_file():
        run(
            *('tools/label_dataset.py', boxes, data_root / 'training/image_02', masks),
            *('--adapt', args.adapt, '--work-dir', work_dir),
        )
    return work_dir / f'adapt/iter_{args.adapt}.pth'


def train(name: str, seed: int, data_root: Path, args: argparse.Namespace) -> Path:
    """Train what is missing and return the last checkpoint."""
    iters = args.detector_iters if name == DETECTOR else args.iters
    work_dir = run_dir(name, seed, args)
    final = work_dir / f'iter_{iters}.pth'
    if not final.is_file():
        start = None
        if name != DETECTOR and args.detector_iters > 0:
            start = train(DETECTOR, 0, data_root, args)
        config = work_dir / 'config.py'
        work_dir.mkdir(parents=True, exist_ok=True)
        variant = DETECTOR_ONLY if name == DETECTOR else VARIANTS[name]
        cfg = train_config(variant, data_root, iters, seed, start, args.preset)
        if variant.config == MASKER:
            cfg.model.masker.init_cfg.checkpoint = str(label(data_root, args))
        fetch_weights(cfg)
        cfg.dump(config)
        resume = ['--resume'] if (work_dir / 'last_checkpoint').is_file() else []
        command = ('tools/train.py', config, '--work-dir', work_dir, *resume)
        run(*command, deadline=args.deadline)
    return final


def measure(name: str, seed: int, roots: dict, args: argparse.Namespace) -> dict:
    """Train and evaluate what is missing and return the measures."""
    variant = VARIANTS[name]
    checkpoint = train(name, seed, roots['train'], args)
    with_grabcut = name in args.grabcut
    path = checkpoint.parent / f'{name}_iter{args.iters}.json'
    if path.is_file():
        table = json.loads(path.read_text())
        if 'GrabCut' in table or not with_grabcut:
            return table
    device = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    model = init_mots_model(eval_config(variant, args.preset), checkpoint, device)
    folder = masks_dir(name, seed, args)
    table = evaluate(model, roots['test'], folder, with_grabcut)
    with atomic_write(path) as temp:
        temp.write_text(json.dumps(table, indent=2) + '\n')
    return table


def rows_of(name: str, tables: list[dict], class_name: str) -> list[str]:
    """Lines of one variant and class: medians over the seeds."""
    lines = []
    kinds = dict.fromkeys(kind for table in tables for kind in table)
    for kind in kinds:
        rows = [table[kind][class_name] for table in tables if kind in table]
        cells = [
            # A seed that found nothing has no paired MOTSP.
            format(float(np.nanmedian([row[key] for row in rows])), spec)
            for key, spec in COLUMNS.items()
        ]
        lines.append(
            f'| {class_name} | {name} | {kind} | {len(rows)} | '
            + ' | '.join(cells)
            + ' |'
        )
    return lines


def picture_columns(
    tables: dict[str, list[dict]], args: argparse.Namespace
) -> dict[str, Path]:
    """Folders of the masks to draw, of the first seed, by the columns' titles."""
    columns = {}
    for name in args.variants:
        folder = masks_dir(name, args.seeds[0], args)
        for kind in tables[name][0]:
            if kind == 'filled boxes' or not (folder / kind).is_dir():
                continue
            title = name if kind == 'model' else f'{name}: {kind}'
            columns[title] = folder / kind
    return columns


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    for name in ('out', 'annotations', 'backgrounds'):
        setattr(args, name, getattr(args, name).resolve())
    roots = render(args)
    # Seed after seed: a table of all variants as early as possible.
    tables = {name: [] for name in args.variants}
    for seed in args.seeds:
        for name in args.variants:
            tables[name].append(measure(name, seed, roots, args))
    names = [NAMES.get(key, key) for key in COLUMNS]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU'
    lines = [
        heading(
            device,
            f'split {args.split}',
            f'{args.detector_iters} + {args.iters} iterations',
            f'seeds {" ".join(map(str, args.seeds))}, medians',
        ),
        '',
        '| class | variant | masks | seeds | ' + ' | '.join(names) + ' |',
        '|---' * (4 + len(names)) + '|',
    ]
    for class_name in ('car', 'pedestrian'):
        for name in args.variants:
            lines += rows_of(name, tables[name], class_name)
    report(lines, args.table)
    if args.picture is not None:
        columns = picture_columns(tables, args)
        draw_page(roots['test'], columns, args.picture)


if __name__ == '__main__':
    main()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Train the plus recipe on the boxes of a real clip and segment it.

    python benchmarks/real_clip.py --frames FRAMES --boxes BOXES.txt --out OUT

FRAMES is a folder of pictures or a video, BOXES.txt MOTChallenge text (frame, id, x,
y, w, h, ...) with frames numbered from 0 or 1. No mask is needed or read. Writes, at
the frames' own size,

    OUT/NAME.txt, OUT/NAME.mp4   masks given the boxes, with the boxes' identities
    OUT/tracked/NAME.*           the same from the detector and the tracker alone

as KITTI MOTS text and overlay, and prints how much of their boxes the masks fill.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import numpy as np
import torch
from common import ROOT, fetch_weights, run
from mmengine.config import Config

import mmwsmots  # noqa: F401  (registers every component)
from mmwsmots.apis import BoxLabeler, init_mots_model
from mmwsmots.evaluation.mots_eval import foreground_ratios
from mmwsmots.fileio import FrameReader, VideoWriter
from mmwsmots.fileio.box_readers import read_cocovid
from mmwsmots.fileio.mots_txt import CLASS_IDS, write_mots_txt
from mmwsmots.visualization import TrackDrawer

CONFIG = ROOT / 'configs/wsmots/wsmots-plus_mnv2_fpn_clip.py'


def frame_range(text: str) -> range:
    """Frames of ``A-B``, both included."""
    match = re.fullmatch(r'(\d+)-(\d+)', text)
    if not match or int(match[1]) > int(match[2]):
        raise argparse.ArgumentTypeError(f'expected A-B with A <= B, got "{text}"')
    return range(int(match[1]), int(match[2]) + 1)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--frames', type=Path, required=True)
    parser.add_argument('--boxes', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument(
        '--train-frames',
        type=frame_range,
        metavar='A-B',
        help='train on the boxes of these frames only, numbered as in BOXES.txt',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--class-name', choices=list(CLASS_IDS), default='car')
    parser.add_argument('--config', type=Path, default=CONFIG)
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], help='settings for the training'
    )
    return parser.parse_args(argv)


def line_frames(path: Path) -> list[tuple[int, str]]:
    """Frame number and text of each line of a MOTChallenge file."""
    lines = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            lines.append((int(float(line.split(',')[0])), line))
        except ValueError:
            raise ValueError(f'{path}, line {number}: no frame number') from None
    if not lines:
        raise ValueError(f'{path}: no boxes')
    return lines


def convert(args: argparse.Namespace, first_frame: int) -> Path:
    """Write OUT/boxes.json and OUT/boxes_train.json and return the frames' folder."""
    frames = args.frames
    if not frames.is_dir():
        frames = args.out / 'frames' / frames.stem
    boxes = {'boxes.json': args.boxes, 'boxes_train.json': args.boxes}
    if args.train_frames is not None:
        # Frames without a box are left out of the training.
        kept = [t for f, t in line_frames(args.boxes) if f in args.train_frames]
        if not kept:
            raise ValueError(f'{args.boxes}: no box in the frames of --train-frames')
        boxes['boxes_train.json'] = args.out / 'boxes_train.txt'
        boxes['boxes_train.json'].write_text('\n'.join(kept) + '\n')
    for name, text in boxes.items():
        run(
            *('tools/dataset_converters/mot2coco.py', args.frames, text),
            *(args.out / name, '--first-frame', first_frame),
            *('--class-name', args.class_name, '--frames-dir', frames),
        )
    return frames


def train(args: argparse.Namespace, frames: Path) -> tuple[Path, Path]:
    """Train and return the config of the run and its last checkpoint."""
    fetch_weights(Config.fromfile(args.config))
    options = [f'randomness.seed={args.seed}']
    for loader in ('train', 'val', 'test'):
        dataset = f'{loader}_dataloader.dataset'
        boxes = 'boxes_train.json' if loader == 'train' else 'boxes.json'
        options += [
            f'{dataset}.ann_file={args.out / boxes}',
            f'{dataset}.data_prefix.img_path={frames.parent}',
        ]
    work_dir = args.out / 'run'
    run(
        *('tools/train.py', args.config, '--work-dir', work_dir),
        *('--cfg-options', *options, *args.cfg_options),
    )
    checkpoint = (work_dir / 'last_checkpoint').read_text().strip()
    return work_dir / args.config.name, Path(checkpoint)


def segment(config: Path, checkpoint: Path, frames: Path, out: Path) -> list[tuple]:
    """Write the masks given the boxes of ``OUT/boxes.json``.

    Args:
        config (Path): Config of the run.
        checkpoint (Path): Its weights.
        frames (Path): Folder of the frames.
        out (Path): Folder for ``NAME.txt`` and ``NAME.mp4``.

    Returns:
        list[tuple[int, float]]: Frame, from 0, and mask area over box area of every
        object.
    """
    device = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    model = init_mots_model(config, checkpoint, device)
    reader, drawer = FrameReader(frames), TrackDrawer()
    known = [
        box for box in read_cocovid(out / 'boxes.json').boxes if not box.is_ignored
    ]
    labeler = BoxLabeler(model, known, next(iter(reader)).shape[:2])
    objects, boxes = [], []
    with VideoWriter(out / f'{reader.name}.mp4', reader.fps) as video:
        for frame_id, frame in enumerate(reader):
            found = labeler.label(frame_id, frame).objects
            video.write(drawer.draw_objects(frame, found))
            objects += found
            frame_boxes = labeler.boxes(frame_id)
            boxes += [frame_boxes[obj.track_id].bbox for obj in found]
    write_mots_txt(out / f'{reader.name}.txt', objects)
    ratios = foreground_ratios(objects, np.array(boxes))
    return [(obj.frame_id, float(ratio)) for obj, ratio in zip(objects, ratios)]


def report(ratios: list[tuple], train_ids: range | None) -> None:
    """Print the foreground ratio of all frames, and of those trained on or not."""
    groups = {'all frames': [ratio for _, ratio in ratios]}
    if train_ids is not None:
        groups['frames trained on'] = [r for i, r in ratios if i in train_ids]
        groups['frames held back'] = [r for i, r in ratios if i not in train_ids]
    for name, values in groups.items():
        if values:
            print(
                f'foreground ratio, {name}: mean {np.mean(values):.3f}, '
                f'min {min(values):.3f}, max {max(values):.3f} ({len(values)} objects)'
            )


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    start = time.monotonic()
    for name in ('frames', 'boxes', 'out', 'config'):
        setattr(args, name, getattr(args, name).resolve())
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        first_frame = 0 if min(line_frames(args.boxes))[0] == 0 else 1
        frames = convert(args, first_frame)
        config, checkpoint = train(args, frames)
        ratios = segment(config, checkpoint, frames, args.out)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    run('demo/mots_demo.py', frames, config, checkpoint, '--out', args.out / 'tracked')
    train_ids = args.train_frames
    if train_ids is not None:
        train_ids = range(train_ids.start - first_frame, train_ids.stop - first_frame)
    report(ratios, train_ids)
    print(f'{(time.monotonic() - start) / 60:.1f} min; results are in {args.out}')


if __name__ == '__main__':
    main()

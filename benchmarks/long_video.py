# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Memory and time per frame of demo/mots_demo.py over a long video, as Markdown.

The video is a short clip of moving noise, played over and over: a folder of links to
a few images. The network is the small one (MobileNetV2, narrow FPN) with random
weights on frames of 96 x 64, and detects up to --objects in each. Times are medians of
the frames of a row; the processor's time leaves out what other programs took.

Example:
    taskset -c 1 python benchmarks/long_video.py --frames 10000
"""

import argparse
import itertools
import os
import runpy
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import torch
from common import heading, report
from mmengine.config import Config

from mmwsmots.apis import TrackJournal, VideoTracker, init_mots_model
from mmwsmots.visualization import FrameReader

REPO = Path(__file__).resolve().parents[1]
SIZE = 96, 64  # width, height
NUM_ROWS = 10


class MeasuredTracker(VideoTracker):
    """Notes the time of a frame, from one call to the next, and the memory."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.measurements = []  # seconds, seconds of the processor, MB, objects

    def track(self, frame: np.ndarray) -> list:
        objects = super().track(frame)
        self.measurements.append(
            (time.perf_counter(), time.thread_time(), resident_mb(), len(objects))
        )
        return objects


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--frames', type=int, default=10_000)
    parser.add_argument('--clip', type=int, default=50, help='frames of the loop')
    parser.add_argument('--objects', type=int, default=10, help='at most in a frame')
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def resident_mb() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def small_model(num_objects: int) -> torch.nn.Module:
    """The small plus model with random weights."""
    cfg = Config.fromfile(REPO / 'configs/wsmots-plus_mnv2_fpn_clip.py')
    cfg.model.detector.backbone.init_cfg = None
    cfg.model.detector.test_cfg.rpn.max_per_img = 2 * num_objects
    cfg.model.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=num_objects)
    (resize,) = [
        transform
        for transform in cfg.test_dataloader.dataset.pipeline[0].transforms
        if transform.type == 'Resize'
    ]
    resize.scale = SIZE
    torch.manual_seed(0)
    return init_mots_model(cfg)


def make_video(folder: Path, num_images: int, num_frames: int) -> FrameReader:
    """Links to images of noise that moves."""
    image = np.random.default_rng(0).integers(0, 256, (*SIZE[::-1], 3), np.uint8)
    image = cv2.GaussianBlur(image, None, 3)
    for i in range(num_images):
        cv2.imwrite(str(folder / f'image{i}.png'), np.roll(image, 2 * i, axis=1))
    video = folder / 'video'
    video.mkdir()
    for i in range(num_frames):
        (video / f'{i}.png').symlink_to(folder / f'image{i % num_images}.png')
    return FrameReader(video)


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    process = runpy.run_path(str(REPO / 'demo/mots_demo.py'))['process']
    with tempfile.TemporaryDirectory() as temp:
        reader = make_video(Path(temp), args.clip, args.frames)
        tracker = MeasuredTracker(small_model(args.objects), len(reader))
        with TrackJournal(Path(temp) / 'out.txt', key='') as journal:
            process(reader, tracker, journal, nullcontext())
    wall, cpu, memory, objects = np.array(tracker.measurements).T
    lines = [
        heading(
            f'torch {torch.__version__}, 1 thread, {args.frames} frames of '
            f'{SIZE[0]} x {SIZE[1]}, {objects.mean():.1f} objects a frame'
        ),
        '',
        '| frames | resident MB at the end | ms per frame | ms of the processor |',
        '|---|---|---|---|',
    ]
    # The first frames of a row have no predecessor, those of the first row warm up.
    edges = np.linspace(0, args.frames, NUM_ROWS + 1).astype(int)
    for first, last in itertools.pairwise(edges):
        rows = slice(first + (last - first) // 10 * (first == 0), last)
        ms = [1e3 * np.median(np.diff(times[rows])) for times in (wall, cpu)]
        lines.append(
            f'| {first} to {last - 1} | {memory[last - 1]:.1f} | {ms[0]:.2f} '
            f'| {ms[1]:.2f} |'
        )
    report(lines, args.out)


if __name__ == '__main__':
    main()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Memory and time per frame of demo/mots_demo.py over a long video, as Markdown.

The video is a short clip of moving noise, played over and over: a folder of links to
a few images. The network is the small one (MobileNetV2, narrow FPN) with random
weights on frames of 96 x 64, and detects up to --objects in each. Times are medians of
the frames of a row; the processor's time leaves out what other programs took. Every
tenth frame a fixed convolution is timed too: it shows how fast the machine was.

Example:
    taskset -c 1 python benchmarks/long_video.py --frames 10000
"""

import argparse
import itertools
import os
import runpy
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from common import ROOT, find_transform, heading, report

import cv2
import numpy as np
import torch
from mmengine.config import Config

from mmwsmots.apis import VideoTracker, init_mots_model
from mmwsmots.fileio import FrameReader

sys.path.append(str(ROOT / 'tools'))
from track_journal import TrackJournal

SIZE = 96, 64  # width, height
NUM_ROWS = 10


class MeasuredTracker(VideoTracker):
    """Notes the time of a frame, from one call to the next, and the memory."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.measurements = []  # seconds, seconds of the processor, MB, objects
        self.fixed = []  # seconds of the processor
        self.image, self.kernel = torch.ones(1, 32, 96, 96), torch.ones(32, 32, 3, 3)

    def track(self, frame: np.ndarray) -> list:
        objects = super().track(frame)
        self.measurements.append(
            (time.perf_counter(), time.thread_time(), resident_mb(), len(objects))
        )
        if self.num_frames % 10 == 0:
            start = time.thread_time()
            torch.conv2d(self.image, self.kernel)
            self.fixed.append(time.thread_time() - start)
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


def small_config(num_objects: int) -> Config:
    """A small model for frames of SIZE, with that many detections."""
    cfg = Config.fromfile(ROOT / 'configs/wsmots/wsmots-masker_mnv2_fpn_clip.py')
    cfg.model.masker = cfg.model.detector.backbone.init_cfg = None
    cfg.model.detector.test_cfg.rpn.max_per_img = 2 * num_objects
    rcnn = cfg.model.detector.test_cfg.rcnn
    rcnn.update(score_thr=0.0, max_per_img=num_objects)
    find_transform(cfg.test_dataloader.dataset.pipeline, 'Resize').scale = SIZE
    return cfg


def small_model(num_objects: int) -> torch.nn.Module:
    """The same with random weights."""
    torch.manual_seed(0)
    model = init_mots_model(small_config(num_objects))
    with torch.no_grad():  # no detection is to lose its mask
        model.detector.roi_head.mask_head.conv_logits.bias += 5
    return model


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
    process = runpy.run_path(str(ROOT / 'demo/mots_demo.py'))['process']
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
        '| frames | resident MB at the end | ms per frame | ms of the processor '
        '| fixed convolution, ms |',
        '|---|---|---|---|---|',
    ]
    # The first frames of a row have no predecessor, those of the first row warm up.
    edges = np.linspace(0, args.frames, NUM_ROWS + 1).astype(int)
    of_rows = []
    for first, last in itertools.pairwise(edges):
        rows = slice(first + (last - first) // 10 * (first == 0), last)
        ms = [1e3 * np.median(np.diff(times[rows])) for times in (wall, cpu)]
        fixed = 1e3 * np.median(tracker.fixed[first // 10 : last // 10])
        lines.append(
            f'| {first} to {last - 1} | {memory[last - 1]:.1f} | {ms[0]:.2f} '
            f'| {ms[1]:.2f} | {fixed:.2f} |'
        )
        of_rows.append((*ms, fixed))
    first, last = of_rows[0], of_rows[-1]
    ratios = [late / early for early, late in zip(first, last)]
    settled = memory[edges[1] :]
    lines += [
        '',
        f'After frame {edges[1]} memory grows by {settled.max() - settled[0]:.1f} MB '
        f'at most, by {settled[-1] - settled[0]:.1f} MB to the end. Time of the last '
        f'row over that of the first: {ratios[0]:.3f}, of the processor '
        f'{ratios[1]:.3f}, of the fixed convolution {ratios[2]:.3f}.',
    ]
    report(lines, args.out)


if __name__ == '__main__':
    main()

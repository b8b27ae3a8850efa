# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Time per frame of the tracker alone, as a Markdown table.

Objects of KITTI's sizes drift over a frame of 1242 x 375; a tenth of them is missing
in every frame, which keeps the window in use. Every round runs every option once, so
that a change of the machine's speed meets all of them; the table has the median and
the 90th percentile over all frames of all rounds.

Example:
    taskset -c 1 python benchmarks/tracker.py --out benchmarks/results/tracker.md
"""

import argparse
import itertools
import time
from pathlib import Path

from common import heading, report

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmwsmots.models.trackers import IoUCosineMatcher

SIZE = 1242, 375
EMBED_DIMS = 8


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--objects', type=int, nargs='+', default=[20, 200])
    parser.add_argument('--window', type=int, default=10)
    parser.add_argument('--frames', type=int, default=60, help='of a round')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def make_video(num_objects: int, num_frames: int, seed: int) -> list[InstanceData]:
    """Detections of each frame: ``bboxes``, ``labels``, ``embeds``."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform((0, 0), SIZE, (num_objects, 2))
    speeds = rng.normal(0, 2, (num_objects, 2))
    sizes = rng.uniform((20, 20), (120, 90), (num_objects, 2))
    embeds = rng.normal(size=(num_objects, EMBED_DIMS))
    labels = rng.integers(0, 2, num_objects)
    frames = []
    for _ in range(num_frames):
        centers += speeds
        seen = rng.random(num_objects) < 0.9
        corners = centers + rng.normal(0, 1, centers.shape)
        bboxes = np.hstack([corners - sizes / 2, corners + sizes / 2])
        looks = embeds + rng.normal(0, 0.2, embeds.shape)
        frames.append(
            InstanceData(
                bboxes=torch.from_numpy(bboxes[seen]).float(),
                labels=torch.from_numpy(labels[seen]),
                embeds=torch.from_numpy(looks[seen]).float(),
            )
        )
    return frames


def time_frames(matcher: IoUCosineMatcher, video: list[InstanceData]) -> list[float]:
    """Milliseconds of each frame, once the window is full."""
    times = []
    for frame_id, instances in enumerate(video):
        arrays = instances.bboxes, instances.labels, instances.embeds
        start = time.perf_counter()
        matcher.match(*arrays, frame_id)
        times.append(1e3 * (time.perf_counter() - start))
    return times[matcher.num_frames_retain :]


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    videos = {n: make_video(n, args.frames, args.seed) for n in args.objects}
    options = list(itertools.product(('last', 'window'), ('none', 'kalman'), videos))
    times = {option: [] for option in options}
    for _ in range(args.rounds):
        for candidates, motion, num_objects in options:
            matcher = IoUCosineMatcher(
                args.window, candidates=candidates, motion=motion
            )
            times[candidates, motion, num_objects] += time_frames(
                matcher, videos[num_objects]
            )
    lines = [
        heading(
            f'torch {torch.__version__}, 1 thread, window {args.window}',
            f'{args.rounds} rounds of {args.frames} frames, seed {args.seed}',
        ),
        '',
        '| candidates | motion | objects | median ms per frame | 90 % |',
        '|---|---|---|---|---|',
    ]
    for (candidates, motion, num_objects), values in times.items():
        lines.append(
            f'| {candidates} | {motion} | {num_objects} | {np.median(values):.2f} '
            f'| {np.percentile(values, 90):.2f} |'
        )
    report(lines, args.out)


if __name__ == '__main__':
    main()

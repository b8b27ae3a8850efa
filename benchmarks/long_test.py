# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Memory of tools/test.py over two long sequences, as a Markdown table.

mmengine's Runner with :class:`MOTSMetric` and the loader in the same process, on the
model and the frames of long_video.py.

Example:
    taskset -c 1 python benchmarks/long_test.py --frames 2000
"""

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
import torch
from common import heading, report
from long_video import NUM_ROWS, SIZE, make_video, resident_mb, small_config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.utils.keep_freed_memory import keep_freed_memory


class Memory(Hook):
    """Notes the resident memory after each frame, in MB."""

    def __init__(self) -> None:
        self.values = []

    def after_test_iter(self, *args, **kwargs) -> None:
        self.values.append(resident_mb())


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--frames', type=int, default=2000, help='of both sequences')
    parser.add_argument('--clip', type=int, default=50, help='frames of the loop')
    parser.add_argument('--objects', type=int, default=10, help='at most in a frame')
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def make_sequences(root: Path, num_images: int, num_frames: int) -> None:
    """Two sequences of links to the images of long_video.py, and their file."""
    builder = CocoVIDBuilder({'car': 1, 'pedestrian': 2})
    for name in ('0000', '0001'):
        folder = root / name
        folder.mkdir()
        make_video(folder, num_images, num_frames)
        files = [f'{name}/video/{i}.png' for i in range(num_frames)]
        builder.add_video(name, files, SIZE[::-1])
        # The metric calls a sequence as the folder of its frames.
        (folder / 'video').rename(root / f'frames{name}')
        for image in builder.images[-num_frames:]:
            image['file_name'] = f'frames{name}/{Path(image["file_name"]).name}'
    builder.write(root / 'frames.json')


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as tools/test.py does
    memory = Memory()
    with tempfile.TemporaryDirectory() as temp:
        root = Path(temp)
        make_sequences(root, args.clip, args.frames // 2)
        cfg = small_config(args.objects)
        cfg.work_dir, cfg.log_level = str(root / 'work_dir'), 'WARNING'
        loader = cfg.test_dataloader
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=temp, ann_file='frames.json', data_prefix=dict(img_path='')
        )
        cfg.test_evaluator.outfile_prefix = str(root / 'results')
        torch.manual_seed(0)
        runner = Runner.from_cfg(cfg)
        with torch.no_grad():  # no detection is to lose its mask
            runner.model.detector.roi_head.mask_head.conv_logits.bias += 5
        runner.register_hook(memory)
        runner.test()
        at_end = resident_mb()
        files = sorted((root / 'results').glob('*.txt'))
        num_lines = [len(path.read_text().splitlines()) for path in files]
    lines = [
        heading(
            f'torch {torch.__version__}, 1 thread',
            f'2 sequences of {args.frames // 2} frames of {SIZE[0]} x {SIZE[1]}',
            f'{sum(num_lines) / args.frames:.1f} objects a frame',
        ),
        '',
        '| frames | resident MB at the end |',
        '|---|---|',
    ]
    edges = np.linspace(0, args.frames, NUM_ROWS + 1).astype(int)
    for first, last in itertools.pairwise(edges):
        lines.append(f'| {first} to {last - 1} | {memory.values[last - 1]:.1f} |')
    settled = memory.values[edges[1] :]
    lines += [
        '',
        f'After frame {edges[1]} memory grows by {max(settled) - settled[0]:.1f} MB at '
        f'most; with the results of all frames written it is {at_end:.1f} MB.',
    ]
    report(lines, args.out)


if __name__ == '__main__':
    main()

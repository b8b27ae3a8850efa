# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Where the time of tools/test.py and tools/train.py goes on a CPU, as Markdown.

The runs are mmengine's own, with the loader in the same process. The parts below are
timed where they are called; a part's time excludes that of the parts within it. Times
are those of the processor, which leaves out other programs. "rest" is mmengine's loop
and hooks and all unnamed code.

The first two iterations do not count.

Example:
    taskset -c 1 python benchmarks/profile_cpu.py test CONFIG --checkpoint CHECKPOINT
"""

import argparse
import functools
import importlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from common import heading, report

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

import mmwsmots  # noqa: F401  (registers the components)

# Function or method and the part that it is. Not all of them occur in each run.
PARTS = {
    'mmcv.transforms.LoadImageFromFile.transform': 'data: decoding',
    'mmdet.datasets.transforms.LoadTrackAnnotations.transform': 'data: annotations',
    'mmdet.datasets.transforms.Resize.transform': 'data: resizing, flipping',
    'mmdet.datasets.transforms.RandomFlip.transform': 'data: resizing, flipping',
    'mmdet.datasets.BaseVideoDataset.get_data_info': 'data: index and copies',
    'mmdet.datasets.BaseVideoDataset.__getitem__': 'data: rest of the pipeline',
    'mmdet.models.DetDataPreprocessor.forward': 'normalisation, padding',
    'mmdet.models.TrackDataPreprocessor.forward': 'normalisation, padding',
    'mmwsmots.models.data_preprocessors.rgb_data_preprocessor.attach_rgb': (
        'RGB before normalisation'
    ),
    'mmdet.models.TwoStageDetector.extract_feat': 'backbone, FPN',
    'mmdet.models.RPNHead.predict': 'RPN',
    'mmdet.models.RPNHead.loss_and_predict': 'RPN',
    'mmdet.models.StandardRoIHead.predict_bbox': 'box branch',
    'mmdet.models.StandardRoIHead.bbox_loss': 'box branch',
    'mmdet.models.StandardRoIHead._mask_forward': 'mask branch',
    'mmdet.models.StandardRoIHead.mask_loss': 'mask branch, losses',
    'mmwsmots.models.roi_heads.mots_roi_head.with_cams': 'Grad-CAM',
    'mmdet.models.FCNMaskHead._predict_by_feat_single': 'mask pasting',
    'mmwsmots.models.task_modules.mask_refiner.refine_logits': (
        'mask refinement (mean field)'
    ),
    'mmwsmots.models.mot.MOTSNet._segment': 'masker',
    'mmdet.models.StandardRoIHead.predict_mask': 'masks: rest',
    'mmwsmots.models.mot.motsnet.disjoint_masks': 'disjoint masks',
    'mmwsmots.models.tracking_heads.HardTripletEmbedHead.predict': 'track branch',
    'mmwsmots.models.tracking_heads.HardTripletEmbedHead.loss': 'track branch',
    'mmwsmots.models.trackers.IoUCosineTracker.track': 'tracker',
    'mmwsmots.models.roi_heads.MOTSRoIHead.loss_and_mask_samples': (
        'sampling of boxes and RoIs'
    ),
    'mmwsmots.models.mot.MOTSNet.loss': 'rest of the model',
    'mmwsmots.models.mot.MOTSNet.predict': 'rest of the model',
    'mmengine.optim.OptimWrapper.backward': 'backward pass',
    'mmengine.optim.OptimWrapper.step': 'optimiser',
    'mmwsmots.evaluation.metrics.MOTSMetric.process_video': 'metric: checks, RLE',
    'mmwsmots.evaluation.metrics.MOTSMetric.compute_metrics': 'metric: at the end',
}


class PartTimer:
    """Sums of the processor's time of each part, without the parts within it.

    Attributes:
        seconds (dict[str, float]): Of each part.
    """

    def __init__(self) -> None:
        self.seconds = defaultdict(float)
        self._running, self._since = ['rest'], time.process_time()

    def wrap(self, function: Callable, part: str) -> Callable:
        """The function, timed."""

        @functools.wraps(function)
        def timed(*args, **kwargs):
            self.switch()
            self._running.append(part)
            try:
                return function(*args, **kwargs)
            finally:
                self.switch()
                self._running.pop()

        return timed

    def switch(self) -> None:
        """Book the time since the last call."""
        now = time.process_time()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def install(self) -> None:
        """Time all functions of PARTS from now on."""
        for path, part in PARTS.items():
            names = path.split('.')
            for depth in range(len(names) - 1, 0, -1):
                try:
                    owner = importlib.import_module('.'.join(names[:depth]))
                except ModuleNotFoundError:
                    continue
                break
            for name in names[depth:-1]:
                owner = getattr(owner, name)
            setattr(owner, names[-1], self.wrap(getattr(owner, names[-1]), part))


class PartSums(Hook):
    """Sums the seconds of each part over the iterations after the first two.

    Attributes:
        sums (dict): Seconds of each part.
        count (int): Iterations that they are of.
    """

    SKIPPED = 2

    def __init__(self, timer: PartTimer) -> None:
        self.timer = timer
        self.sums = defaultdict(float)
        self.count = -self.SKIPPED

    def after_train_iter(self, *args, **kwargs) -> None:
        self.timer.switch()
        self.count += 1
        if self.count > 0:
            for part, seconds in self.timer.seconds.items():
                self.sums[part] += seconds
        self.timer.seconds.clear()

    after_test_iter = after_train_iter


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('what', choices=['test', 'train'])
    parser.add_argument('config', type=Path)
    parser.add_argument('--checkpoint', help='weights to start from')
    parser.add_argument('--data-root', help='converted data set, if another')
    parser.add_argument('--iterations', type=int, default=30, help='of training')
    parser.add_argument('--out', type=Path, help='append the table to this file')
    return parser.parse_args()


def load_config(args: argparse.Namespace, work_dir: str) -> Config:
    cfg = Config.fromfile(args.config)
    cfg.work_dir, cfg.load_from = work_dir, args.checkpoint
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        if args.data_root is not None:
            loader.dataset.data_root = args.data_root
    cfg.test_evaluator.outfile_prefix = None
    if args.data_root is not None:
        cfg.test_evaluator.gt_dir = str(Path(args.data_root, 'instances_txt'))
    cfg.train_cfg = dict(
        type='IterBasedTrainLoop', max_iters=args.iterations, val_begin=10**9
    )
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=10**9)
    cfg.log_level = 'WARNING'
    return cfg


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    timer = PartTimer()
    timer.install()
    sums = PartSums(timer)
    with tempfile.TemporaryDirectory() as work_dir:
        runner = Runner.from_cfg(load_config(args, work_dir))
        runner.register_hook(sums, 'LOWEST')
        scores = runner.test() if args.what == 'test' else runner.train()
        timer.switch()
    total = sum(sums.sums.values())
    lines = [
        heading(
            f'torch {torch.__version__}, 1 thread',
            f'{args.what} of {args.config.stem}',
            f'{sums.count} iterations',
        ),
        '',
        '| part | ms | share |',
        '|---|---|---|',
    ]
    for part, seconds in sorted(sums.sums.items(), key=lambda item: -item[1]):
        mean, share = 1e3 * seconds / sums.count, 100 * seconds / total
        lines.append(f'| {part} | {mean:.1f} | {share:.1f} % |')
    lines.append(f'| **all** | **{1e3 * total / sums.count:.1f}** | |')
    if args.what == 'test':
        at_end = timer.seconds['metric: at the end']
        lines += [
            '',
            f'The metric takes {at_end:.2f} s at the end. Cars: '
            f'{scores["car/TP"]} found, {scores["car/FP"]} wrong.',
        ]
    report(lines, None)
    if args.out is not None:
        with args.out.open('a') as file:
            file.writelines(f'{line}\n' for line in [*lines, ''])


if __name__ == '__main__':
    main()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from benchmarks.common import ROOT, fetch_weights
from mmwsmots.apis import (
    adapt_box_masker,
    init_box_masker,
    released_masker,
    segment_instances,
)

from ..annotations import write_annotations
from ..data import Frame
from .recipe import Recipe

BOXES = ROOT / 'configs/masker/box-masker_mnv2_coco-boxes.py'
LABELS = ROOT / 'configs/masker/box-masker_mnv2_coco-labels.py'


class Masker(Recipe):
    """The network on crops, from boxes alone: ``tools/train_masker.sh``."""

    learns_from = 'boxes'

    def fit(self, train: Sequence[Frame]) -> None:
        """Train on boxes, then in rounds on labels of them; see :meth:`Recipe.fit`."""
        folder = self.args.out / 'train'
        images = self.write(train, folder / 'boxes.json')
        configs = {}
        for name, path in dict(BOXES=BOXES, LABELS=LABELS).items():
            cfg = self.config(path, train)
            fetch_weights(cfg)
            configs[name] = str(folder / path.name)
            cfg.dump(configs[name])
        code = subprocess.run(
            [
                *('bash', ROOT / 'tools/train_masker.sh', folder / 'boxes.json'),
                *(images, folder, str(self.args.seed)),
            ],
            cwd=ROOT,
            env={**os.environ, **configs, 'PYTHON': sys.executable},
        ).returncode
        if code != 0:
            sys.exit('error: tools/train_masker.sh failed')
        rounds = sorted(folder.glob('round_*/last_checkpoint'))
        self.load(rounds[-1].read_text().strip())

    def load(self, weights: str) -> None:
        """Take weights of the second stage; see :meth:`Recipe.load`."""
        self.weights = None if weights == 'released' else weights
        config = None if self.weights is None else LABELS
        self.model = init_box_masker(config, self.weights, self.args.device)

    def adapt(self, frames: Sequence[Frame]) -> None:
        """Train on the boxes of a sequence; see :meth:`Recipe.adapt`."""
        folder = self.args.out / 'adapt' / frames[0].group
        images = self.write(frames, folder / 'boxes.json')
        trained = adapt_box_masker(
            self.config(LABELS, frames),
            self.weights or released_masker()[1],
            folder / 'boxes.json',
            images,
            folder,
            self.args.adapt,
        )
        self.model = init_box_masker(LABELS, trained, self.args.device)

    def masks(
        self, frame: np.ndarray, boxes: np.ndarray, labels: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Segment the crops of the boxes; see :meth:`Recipe.masks`."""
        found = segment_instances(self.model, frame, boxes)
        return found.masks.cpu().numpy(), found.scores.cpu().numpy()

    def write(self, frames: Sequence[Frame], path: Path) -> Path:
        """Write frames to train on.

        Args:
            frames (Sequence[Frame]): The frames.
            path (Path): Annotation file.

        Returns:
            Path: Folder of its images.
        """
        ids = {name: number for number, name in enumerate(_classes(frames), 1)}
        return write_annotations(frames, path, ids)

    def config(self, path: Path, frames: Sequence[Frame]) -> Config:
        """Config of a stage.

        Args:
            path (Path): As it is released.
            frames (Sequence[Frame]): What it is to train on.

        Returns:
            Config: With their classes and the options of the command line.
        """
        cfg = Config.fromfile(path)
        cfg.train_dataloader.dataset.metainfo = dict(classes=_classes(frames))
        cfg.randomness = dict(seed=self.args.seed)
        if self.args.iters:
            cfg.train_cfg.max_iters = self.args.iters
            cfg.param_scheduler[1].T_max = self.args.iters
        return cfg


def _classes(frames: Sequence[Frame]) -> list[str]:
    return sorted({label for frame in frames for label in frame.labels})

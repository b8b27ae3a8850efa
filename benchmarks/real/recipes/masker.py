# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from benchmarks.common import ROOT, fetch_weights, run
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
    """The crops' network in its two stages, from boxes alone."""

    learns_from = 'boxes'

    def fit(self, train: Sequence[Frame]) -> None:
        """Train on boxes, label them, train on the labels; see :meth:`Recipe.fit`."""
        folder = self.args.out / 'train'
        images = self._write(train, folder / 'boxes.json')
        first = self._train(BOXES, folder / 'boxes.json', images, folder / 'boxes')
        run(
            *('tools/label_dataset.py', folder / 'boxes.json', images),
            *(folder / 'masks.json', '--overwrite', '--work-dir', folder / 'label'),
            *('--config', BOXES, '--checkpoint', first),
        )
        masks = folder / 'masks.json'
        self.load(self._train(LABELS, masks, images, folder / 'masks', first))

    def load(self, weights: str | Path) -> None:
        """Take weights of the second stage; see :meth:`Recipe.load`."""
        self.weights = None if weights == 'released' else weights
        config = None if self.weights is None else LABELS
        self.model = init_box_masker(config, self.weights, self.args.device)

    def adapt(self, frames: Sequence[Frame]) -> None:
        """Train on the boxes of a sequence; see :meth:`Recipe.adapt`."""
        folder = self.args.out / 'adapt' / frames[0].group
        images = self._write(frames, folder / 'boxes.json')
        weights = self.weights or released_masker()[1]
        cfg = self._config(LABELS)
        trained = adapt_box_masker(
            *(cfg, weights, folder / 'boxes.json', images, folder, self.args.adapt)
        )
        self.model = init_box_masker(LABELS, trained, self.args.device)

    def masks(
        self, frame: np.ndarray, boxes: np.ndarray, labels: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Segment the crops of the boxes; see :meth:`Recipe.masks`."""
        found = segment_instances(self.model, frame, boxes)
        return found.masks.cpu().numpy(), found.scores.cpu().numpy()

    def _write(self, frames: Sequence[Frame], path: Path) -> Path:
        """Write an annotation file and return the folder of its images."""
        classes = sorted({label for frame in frames for label in frame.labels})
        ids = {name: number for number, name in enumerate(classes, 1)}
        return write_annotations(frames, path, ids)

    def _config(self, path: Path) -> Config:
        cfg = Config.fromfile(path)
        cfg.randomness = dict(seed=self.args.seed)
        return cfg

    def _train(
        self,
        config: Path,
        ann_file: Path,
        images: Path,
        folder: Path,
        load_from: Path | None = None,
    ) -> Path:
        """Train a stage and return its weights."""
        cfg = self._config(config)
        dataset = cfg.train_dataloader.dataset
        dataset.data_root = ''
        dataset.ann_file = str(ann_file)
        dataset.data_prefix = dict(img=str(images))
        categories = json.loads(ann_file.read_text())['categories']
        dataset.metainfo = dict(classes=[item['name'] for item in categories])
        if self.args.iters:
            cfg.train_cfg.max_iters = self.args.iters
            cfg.param_scheduler[1].T_max = self.args.iters
        cfg.load_from = None if load_from is None else str(load_from)
        fetch_weights(cfg)
        folder.mkdir(parents=True, exist_ok=True)
        cfg.dump(folder / 'config.py')
        run('tools/train.py', folder / 'config.py', '--work-dir', folder)
        return Path((folder / 'last_checkpoint').read_text().strip())

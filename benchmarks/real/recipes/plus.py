# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.config import Config

from benchmarks.common import ROOT, fetch_weights, find_transform, run
from mmwsmots.apis import init_mots_model
from mmwsmots.apis.segment_boxes import segment_instances
from mmwsmots.fileio.mots_txt import CLASS_IDS

from ..annotations import write_annotations
from ..data import Frame
from .recipe import Recipe

SCALES = dict(photos=(480, 360), kitti=(1242, 375), clip=(854, 480))
ITERS = 500
BATCH_SIZE = 4
# Their names among the photographs.
KITTI_NAMES = dict(car='car', person='pedestrian', pedestrian='pedestrian')


class Plus(Recipe):
    """MOTSNet's mask branch, learned from boxes, on stills and without tracks."""

    learns_from = 'boxes'
    classes = frozenset(KITTI_NAMES)

    def fit(self, train: Sequence[Frame]) -> None:
        """Train on the boxes; see :meth:`Recipe.fit`."""
        folder, iters = self.args.out / 'train', self.args.iters or ITERS
        renamed = [
            frame._replace(labels=[KITTI_NAMES[label] for label in frame.labels])
            for frame in train
        ]
        images = write_annotations(renamed, folder / 'boxes.json', CLASS_IDS)
        cfg = self._config()
        dataset = cfg.train_dataloader.dataset
        dataset.ann_file = str(folder / 'boxes.json')
        dataset.data_prefix = dict(img_path=str(images))
        cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=iters)
        cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
        cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
        cfg.param_scheduler[1].T_max = iters
        cfg.randomness = dict(seed=self.args.seed)
        fetch_weights(cfg)
        cfg.dump(folder / 'config.py')
        run('tools/train.py', folder / 'config.py', '--work-dir', folder)
        self.load((folder / 'last_checkpoint').read_text().strip())

    def load(self, weights: str) -> None:
        """Take a checkpoint of this recipe; see :meth:`Recipe.load`."""
        self.model = init_mots_model(self._config(), weights, self.args.device)

    @torch.no_grad()
    def masks(
        self, frame: np.ndarray, boxes: np.ndarray, labels: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Segment with the mask branch; see :meth:`Recipe.masks`."""
        order = list(CLASS_IDS)
        indices = np.array([order.index(KITTI_NAMES[label]) for label in labels])
        found = segment_instances(self.model, frame, boxes, indices)
        return found.masks.cpu().numpy(), found.scores.cpu().numpy()

    def _config(self) -> Config:
        """The small model of the rendered clips, for stills of the data's size."""
        cfg = Config.fromfile(ROOT / 'configs/wsmots/wsmots-plus_mnv2_fpn_rendered.py')
        scale = SCALES[self.args.data_set]
        cfg.model.track_head = None
        loader = cfg.train_dataloader
        loader.batch_size = BATCH_SIZE
        train, test = loader.dataset.pipeline, cfg.test_dataloader.dataset.pipeline
        loader.sampler.num_frames = 1
        find_transform(train, 'ClipFrameSample').num_frames = 1
        find_transform(train, 'RandomResize').scale = scale
        find_transform(test, 'Resize').scale = scale
        return cfg

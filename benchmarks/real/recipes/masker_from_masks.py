# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence

from mmengine.config import Config

from benchmarks.common import fetch_weights, run

from ..data import Frame
from .masker import BOXES, LABELS, Masker


class MaskerFromMasks(Masker):
    """The network of the masker's second stage, from true masks and ImageNet weights.

    Its schedule is the first stage's.
    """

    learns_from = 'masks'

    def fit(self, train: Sequence[Frame]) -> None:
        """Train on the masks; see :meth:`Recipe.fit`."""
        folder = self.args.out / 'train'
        images = self.write(train, folder / 'masks.json')
        schedule = Config.fromfile(BOXES)
        cfg = self.config(LABELS, train)
        cfg.load_from = None
        cfg.model.train_cfg.unknown_overlap = 0  # true masks know whose a pixel is
        cfg.optim_wrapper = schedule.optim_wrapper
        if not self.args.iters:
            cfg.train_cfg, cfg.param_scheduler = (
                schedule.train_cfg,
                schedule.param_scheduler,
            )
        dataset = cfg.train_dataloader.dataset
        dataset.data_root = ''
        dataset.ann_file = str(folder / 'masks.json')
        dataset.data_prefix = dict(img=str(images))
        fetch_weights(cfg)
        cfg.dump(folder / 'config.py')
        run('tools/train.py', folder / 'config.py', '--work-dir', folder / 'run')
        self.load((folder / 'run/last_checkpoint').read_text().strip())

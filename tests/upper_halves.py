# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""A stand-in for a masker, with masks that are known."""

from pathlib import Path

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner import save_checkpoint
from mmengine.structures import InstanceData

from mmwsmots.models.maskers import BoxMasker


@MODELS.register_module()
class UpperHalves(BoxMasker):
    """The mask of a box is its upper half, the confidence its weight times 1 / x.

    With a ``share`` in ``test_cfg`` another part than half.
    """

    def __init__(self, data_preprocessor=None, test_cfg=None):
        BaseDetector.__init__(self, data_preprocessor)
        self.share = (test_cfg or {}).get('share', 0.5)
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def predict(self, batch_inputs, batch_data_samples, rescale=True):
        for sample in batch_data_samples:
            gts = sample.gt_instances
            masks = torch.zeros((len(gts), *sample.ori_shape), dtype=torch.bool)
            for mask, (x1, y1, x2, y2) in zip(masks, gts.bboxes.int().tolist()):
                mask[y1 : y1 + int(self.share * (y2 - y1)), x1:x2] = True
            sample.pred_instances = InstanceData(
                bboxes=gts.bboxes,
                labels=gts.labels,
                masks=masks,
                scores=self.weight / gts.bboxes[:, 0],
            )
        return batch_data_samples

    def _forward(self, batch_inputs, batch_data_samples=None):
        raise NotImplementedError

    extract_feat = loss = _forward


def upper_halves(folder: Path, weight: float = 4.0) -> tuple[Config, Path]:
    """Config and checkpoint, as a masker has them."""
    preprocessor = dict(type='DetDataPreprocessor', mean=[0] * 3, std=[1] * 3)
    config = Config(
        dict(
            default_scope='mmdet',
            model=dict(type='UpperHalves', data_preprocessor=preprocessor),
            train_dataloader=dict(dataset='of something else'),
            optim_wrapper=dict(type='OptimWrapper'),
        )
    )
    checkpoint = folder / 'weights.pth'
    weights = dict(weight=torch.tensor(weight))
    save_checkpoint(dict(state_dict=weights), str(checkpoint))
    return config, checkpoint

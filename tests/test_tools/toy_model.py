# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The smallest model, data set and metric that a Runner takes."""

import torch
from mmdet.registry import DATASETS, METRICS, MODELS
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from torch.utils.data import Dataset

SLOPE = 3.0


@DATASETS.register_module()
class ToyDataset(Dataset):
    """Points on the line y = 3 x."""

    metainfo = dict(classes=('line',))

    def __len__(self):
        return 8

    def __getitem__(self, index):
        x = torch.tensor([index / 8])
        return dict(x=x, y=SLOPE * x)


@MODELS.register_module()
class ToyModel(BaseModel):
    """A line through the origin, fitted by least squares."""

    def __init__(self, data_preprocessor=None):
        super().__init__(data_preprocessor)
        self.slope = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x, y, mode='tensor'):
        error = self.slope * x - y
        if mode == 'loss':
            return dict(loss=(error**2).mean())
        return [dict(error=float(e.abs())) for e in error]


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """Mean absolute error and number of samples."""

    default_prefix = 'toy'

    def process(self, data_batch, data_samples):
        self.results += [sample['error'] for sample in data_samples]

    def compute_metrics(self, results):
        return dict(mae=sum(results) / len(results), count=len(results))

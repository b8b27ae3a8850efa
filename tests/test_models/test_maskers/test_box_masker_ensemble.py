# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

FOLDER = Path(__file__).resolve().parents[3] / 'configs/masker'
BOXES = torch.tensor([[10.0, 20, 60, 80], [50, 30, 120, 95], [140, 5, 160, 40]])


def model_config(name):
    cfg = Config.fromfile(FOLDER / f'box-masker_mnv2_{name}.py').model
    cfg.backbone.init_cfg = None
    cfg.decoder.channels = 16
    return cfg


@pytest.fixture
def ensemble():
    """The masker, with random weights, and its first stage on coarser crops."""
    cfg = model_config('coco-labels')
    cfg.update(type='BoxMaskerEnsemble', other=model_config('new-boxes'))
    assert cfg.other.crop_size != cfg.get('crop_size', 128)
    torch.manual_seed(0)
    model = MODELS.build(cfg).eval()
    torch.nn.init.normal_(model.decoder.predictor.weight, std=0.5)
    return model


@pytest.mark.parametrize('logit', [-50.0, 0.1, 50.0])
def test_the_mean_above_and_the_smaller_logit_below(ensemble, logit):
    """The other network says the same of every cell."""
    image = torch.randn(3, 100, 160)
    alone = deepcopy(ensemble)
    alone.__class__ = type(ensemble).__mro__[1]
    predictor = ensemble.other.decoder.predictor
    torch.nn.init.zeros_(predictor.weight)
    torch.nn.init.constant_(predictor.bias, logit)
    rois = ensemble._rois(BOXES)
    own = alone._predict_logits(image, BOXES, rois)
    assert own.min() < 0.1 < own.max()
    both = ensemble._predict_logits(image, BOXES, rois)
    half = own.shape[1] // 2  # a crop has its box in the middle
    torch.testing.assert_close(both[:, :half], (own[:, :half] + logit) / 2)
    cut = math.log(0.32 / 0.68)
    torch.testing.assert_close(both[:, half:], own[:, half:].clamp(max=logit) - cut)


def test_masks_are_those_of_both(ensemble):
    """No network on its own makes a mask of what the other takes for background."""
    image = torch.randn(3, 100, 160)
    ensemble.refiner.mean_field = None  # which would place the edges by the image
    ensemble.refiner.fill_holes, ensemble.refiner.max_empty_share = False, None
    both = ensemble.segment(image, BOXES).masks
    torch.nn.init.zeros_(ensemble.other.decoder.predictor.weight)
    torch.nn.init.constant_(ensemble.other.decoder.predictor.bias, 50.0)
    own = ensemble.segment(image, BOXES).masks
    assert both.any() and own.any()
    assert (both.sum((1, 2)) <= own.sum((1, 2))).all()
    torch.nn.init.constant_(ensemble.other.decoder.predictor.bias, -50.0)
    assert not ensemble.segment(image, BOXES).masks.any()

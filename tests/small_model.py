# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""A small random model for tests of inference."""

import copy
from functools import cache
from pathlib import Path

import numpy as np
import torch
from mmdet.apis import inference_mot
from mmengine.config import Config
from mmengine.runner import save_checkpoint

from benchmarks.common import find_transform
from mmwsmots.apis import init_mots_model
from mmwsmots.models.mot import MOTSNet

SIZE = (96, 64)  # width, height of a frame
BASES = (
    *('models/wsmots_r50_fpn', 'models/mnv2_fpn_small', 'datasets/clip'),
    *('schedules/small_cpu', 'small_runtime'),
)


def small_config(repo: Path) -> Config:
    """The paper's model, small, for frames of SIZE, without pretrained weights."""
    return copy.deepcopy(_small_config(repo))


@cache
def _small_config(repo: Path) -> Config:
    bases = [f'{repo}/configs/_base_/{name}.py' for name in BASES]
    text = f'_base_ = {bases}\nmodel = _base_.small_model\n'
    cfg = Config.fromstring(text, '.py')
    cfg.model.detector.backbone.init_cfg = None
    cfg.model.detector.roi_head.bbox_head.fc_out_channels = 32
    cfg.model.detector.roi_head.mask_head.update(num_convs=1, crf_size=16)
    cfg.model.detector.test_cfg.rcnn.score_thr = 0.0
    cfg.model.detector.test_cfg.rcnn.max_per_img = 6
    # Twice the frames' size: results must come back at the frames' own.
    pipeline = cfg.test_dataloader.dataset.pipeline
    find_transform(pipeline, 'Resize').scale = (2 * SIZE[0], 2 * SIZE[1])
    return cfg


def varied_model(repo: Path) -> MOTSNet:
    """The model with masks that are neither full nor empty."""
    torch.manual_seed(0)
    model = init_mots_model(small_config(repo))
    # Logits that differ over the cells.
    torch.nn.init.normal_(model.detector.roi_head.mask_head.conv_logits.weight)
    return model


def save_model(model, folder: Path) -> tuple[Path, Path]:
    """Write the config and the checkpoint of a model, as a user has them."""
    config, checkpoint = folder / 'small.py', folder / 'small.pth'
    model.cfg.dump(config)
    save_checkpoint(dict(state_dict=model.state_dict()), str(checkpoint))
    return config, checkpoint


class _Unchanged(np.ndarray):
    """An image that stays uint8."""

    def astype(self, *args, **kwargs):
        return self.view(np.ndarray)


def track_by_mmdet(model, frame, frame_id, video_length):
    """What mmdet finds in the next frame, resized as its data sets resize it.

    mmdet 3.3's function for demos makes the image float32 first, the later one and
    all data sets do not; resized, pixels differ by the rounding.
    """
    (sample,) = inference_mot(model, frame.view(_Unchanged), frame_id, video_length)
    return sample.pred_track_instances

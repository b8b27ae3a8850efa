# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Make a full-size config small enough for a test, whatever the model."""

from mmengine.config import Config

SIZE = (128, 96)  # width, height of an image
CHANNELS = 64  # at least two for each of the 32 groups of a GroupNorm

# Of FPN and of all that reads its levels.
WIDTHS = {'in_channels', 'out_channels', 'feat_channels', 'conv_out_channels'}
CRF_HEADS = {'CRFBoxInstMaskHead', 'CRFMaskHead', 'GradCAMMaskHead'}
DEPTHS = {'num_convs', 'stacked_convs', 'num_stacked_convs'}


def shrink(cfg: Config) -> Config:
    """A recipe's config with a small model on small images, a step or two long."""
    _walk(cfg._cfg_dict)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(name):
            cfg[name].update(num_workers=0, persistent_workers=False)
    cfg.default_hooks.logger.interval = 1
    cfg.param_scheduler = None
    cfg.randomness = dict(seed=0)
    return cfg


def _walk(node) -> None:
    if isinstance(node, (list, tuple)):
        for item in node:
            _walk(item)
    if not isinstance(node, dict):
        return
    if node.get('type') == 'ResNet':
        node.update(depth=18, frozen_stages=-1)
    elif node.get('type') == 'SwinTransformer':
        node.update(embed_dims=8, depths=[1] * 4, num_heads=[1] * 4)
    elif node.get('type') == 'FPN':
        swin = node.in_channels == [96, 192, 384, 768]
        node.in_channels = [8, 16, 32, 64] if swin else [64, 128, 256, 512]
    elif node.get('type') == 'QuasiDenseEmbedHead':  # whose defaults are full-size
        node.update(in_channels=256, conv_out_channels=256, fc_out_channels=256)
    elif node.get('type') == 'HardTripletEmbedHead':  # two objects may differ enough
        node.loss_triplet = dict(type='HardTripletLoss', margin=2.0)
    elif node.get('type') in CRF_HEADS:
        node.crf_size = 16
    for key, value in list(node.items()):
        if key == 'init_cfg':
            node[key] = None
        elif (key in WIDTHS and value in (128, 256)) or key == 'fc_out_channels':
            node[key] = CHANNELS
        elif key in DEPTHS:
            node[key] = min(value, 1)
        elif key in ('nms_pre', 'max_per_img'):
            node[key] = min(value, 50)
        elif key in ('scale', 'crop_size'):
            node[key] = SIZE
        elif key == 'scales' and node.get('type') == 'RandomChoiceResize':
            node[key] = [SIZE]
        else:
            _walk(value)

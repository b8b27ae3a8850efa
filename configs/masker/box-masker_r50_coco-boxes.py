# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# First stage with ResNet-50, for GPUs: 8 images and 64 crops a step on each of 8.
_base_ = ['./box-masker_mnv2_coco-boxes.py', '../_base_/models/box-masker_r50.py']

model = _base_.r50_model

max_iters = 20000
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0, T_max=max_iters),
]

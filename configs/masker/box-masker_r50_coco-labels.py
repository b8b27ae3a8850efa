# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Second stage with ResNet-50, for GPUs.
_base_ = ['./box-masker_mnv2_coco-labels.py', '../_base_/models/box-masker_r50.py']

model = _base_.r50_model

max_iters = 10000
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0, T_max=max_iters),
]
load_from = 'work_dirs/box-masker_r50_coco-boxes/iter_20000.pth'
first_stage = dict(
    config='{{ fileDirname }}/box-masker_r50_coco-boxes.py',
    checkpoint=load_from,
    num_iters_factor=1,
)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The recipe that leaves the filled box behind, on KITTI MOTS boxes.
_base_ = [
    '../_base_/models/wsmots-plus_r50_fpn.py',
    '../_base_/datasets/kitti_mots.py',
    '../_base_/schedules/kitti_150e.py',
    '../_base_/default_runtime.py',
]

custom_hooks = [*_base_.custom_hooks, _base_.loss_warmup]

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms.append(dict(type='RandomShadow'))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The fully supervised baseline of Ruiz et al., table 2: the same model and schedule
# with ground-truth masks.
_base_ = [
    '../_base_/models/mots_r50_fpn.py',
    '../_base_/datasets/kitti_mots.py',
    '../_base_/schedules/kitti_150e.py',
    '../_base_/default_runtime.py',
]

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[1].with_mask = True
train_dataloader = dict(dataset=dict(with_mask=True, pipeline=train_pipeline))

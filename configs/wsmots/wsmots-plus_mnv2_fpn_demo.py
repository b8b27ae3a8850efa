# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# `make demo`: the plus recipe on procedural clips of 624x192, minutes on two cores.
_base_ = './wsmots-plus_mnv2_fpn_rendered.py'

train_root, val_root = 'work_dirs/demo/train/', 'work_dirs/demo/val/'
img_scale = (624, 192)

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[2].scale = img_scale
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = img_scale

train_dataloader = dict(dataset=dict(data_root=train_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=val_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(
    gt_dir=val_root + 'instances_txt', outfile_prefix='work_dirs/demo/run/results'
)
test_evaluator = val_evaluator

max_iters = 450
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].T_max = max_iters

randomness = dict(seed=0)

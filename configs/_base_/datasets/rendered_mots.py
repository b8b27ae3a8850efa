# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# What projects/rendered_mots/render_mots.py writes with --scale 0.5, converted by
# kitti_mots2coco.py; boxes only.
_base_ = './kitti_mots.py'

data_root = 'data/rendered_mots/'
img_scale = (621, 188)
num_frames = 2

train_pipeline = _base_.train_pipeline
train_pipeline[0].num_frames = num_frames
train_pipeline[1].transforms[2].scale = img_scale
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = img_scale

train_dataloader = dict(
    num_workers=1,
    sampler=dict(num_frames=num_frames),
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=1, dataset=dict(data_root=data_root, pipeline=test_pipeline)
)
test_dataloader = val_dataloader
val_evaluator = dict(gt_dir=data_root + 'instances_txt')
test_evaluator = val_evaluator

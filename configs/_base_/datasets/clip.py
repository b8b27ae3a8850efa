# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# One clip, given by its frames and the CocoVID file of its boxes that mot2coco.py
# writes: trained on and tracked.
_base_ = './kitti_mots.py'

data_root = 'data/clip/'
img_scale = (640, 360)

train_pipeline = _base_.train_pipeline
train_pipeline[0].num_frames = 2
train_pipeline[1].transforms[2].scale = img_scale
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = img_scale

train_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(num_frames=2),
    dataset=dict(
        data_root=data_root,
        ann_file='boxes.json',
        data_prefix=dict(img_path=''),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        data_root=data_root,
        ann_file='boxes.json',
        data_prefix=dict(img_path=''),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True, type='MOTSMetric', format_only=True, outfile_prefix='work_dirs/clip'
)
test_evaluator = val_evaluator

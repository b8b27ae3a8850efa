# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# What projects/rendered_mots/render_mots.py writes with --scale 0.5, converted by
# kitti_mots2coco.py; boxes only.
_base_ = './kitti_mots.py'

data_root = 'data/rendered_mots/'
img_scale = (621, 188)
num_frames = 2

random_resize = dict(_base_.random_resize, scale=img_scale)
train_pipeline = [
    dict(type='ClipFrameSample', num_frames=num_frames),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadAnnotatedFrame'),
            dict(type='LoadTrackAnnotations'),
            random_resize,
            dict(type='RandomFlip', prob=0.5),
            dict(type='LoadMaskScores'),  # of masks, where they are loaded
        ],
    ),
    dict(type='PackMOTSInputs'),
]
test_pipeline = [
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=img_scale, keep_ratio=True),
            dict(type='LoadTrackAnnotations'),
        ],
    ),
    dict(type='PackTrackInputs'),
]

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

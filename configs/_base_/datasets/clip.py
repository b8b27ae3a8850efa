# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# One clip, given by its frames and the CocoVID file of its boxes that mot2coco.py
# writes: trained on and tracked.
_base_ = './kitti_mots.py'

data_root = 'data/clip/'
img_scale = (640, 360)
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
    batch_size=1,
    num_workers=1,
    sampler=dict(num_frames=num_frames),
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

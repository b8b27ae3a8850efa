# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# `make demo`: taught by the masker, on procedural clips of 624x192, minutes on two
# cores.
_base_ = './wsmots-masker_mnv2_fpn_rendered.py'

train_root, val_root = 'work_dirs/demo/train/', 'work_dirs/demo/val/'
img_scale = (624, 192)

# The masker that the demo has adapted to its boxes.
model = dict(
    masker=dict(init_cfg=dict(checkpoint='work_dirs/demo/label/adapt/iter_50.pth'))
)

random_resize = dict(_base_.random_resize, scale=img_scale)
train_pipeline = [
    dict(type='ClipFrameSample', num_frames=_base_.num_frames),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadAnnotatedFrame'),
            dict(type='LoadTrackAnnotations', with_mask=True),
            random_resize,
            dict(type='RandomFlip', prob=0.5),
            dict(type='LoadMaskScores'),
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

train_dataloader = dict(dataset=dict(data_root=train_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=val_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(
    gt_dir=val_root + 'instances_txt', outfile_prefix='work_dirs/demo/run/results'
)
test_evaluator = val_evaluator

max_iters = 450
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0, T_max=max_iters),
]

randomness = dict(seed=0)

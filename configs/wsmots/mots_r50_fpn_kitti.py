# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The fully supervised baseline of Ruiz et al., table 2: the same model and schedule
# with ground-truth masks.
_base_ = [
    '../_base_/models/mots_r50_fpn.py',
    '../_base_/datasets/kitti_mots.py',
    '../_base_/schedules/kitti_150e.py',
    '../_base_/default_runtime.py',
]

train_pipeline = [
    dict(type='ClipFrameSample', num_frames=_base_.num_frames),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadAnnotatedFrame'),
            dict(type='LoadTrackAnnotations', with_mask=True),
            _base_.random_resize,
            dict(type='RandomFlip', prob=0.5),
            dict(type='LoadMaskScores'),
        ],
    ),
    dict(type='PackMOTSInputs'),
]
train_dataloader = dict(dataset=dict(with_mask=True, pipeline=train_pipeline))

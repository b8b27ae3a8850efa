# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Ground-truth masks, small enough for a CPU, on rendered data.
_base_ = [
    '../_base_/models/mots_r50_fpn.py',
    '../_base_/models/mnv2_fpn_small.py',
    '../_base_/datasets/rendered_mots.py',
    '../_base_/schedules/small_cpu.py',
    '../_base_/small_runtime.py',
]

model = _base_.small_model

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

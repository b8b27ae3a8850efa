# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The plus recipe, small enough for a CPU, on rendered data.
_base_ = [
    '../_base_/models/wsmots-plus_r50_fpn.py',
    '../_base_/models/mnv2_fpn_small.py',
    '../_base_/datasets/rendered_mots.py',
    '../_base_/schedules/small_cpu.py',
    '../_base_/small_runtime.py',
]

model = _base_.small_model

custom_hooks = [*_base_.custom_hooks, _base_.loss_warmup]

train_pipeline = [
    dict(type='ClipFrameSample', num_frames=_base_.num_frames),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadAnnotatedFrame'),
            dict(type='LoadTrackAnnotations'),
            _base_.random_resize,
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomShadow'),
            dict(type='LoadMaskScores'),  # of masks, where they are loaded
        ],
    ),
    dict(type='PackMOTSInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The plus recipe on the boxes and identities of MOTS20's pedestrians.
_base_ = [
    '../_base_/models/wsmots-plus_r50_fpn.py',
    '../_base_/datasets/mots20.py',
    '../_base_/schedules/kitti_150e.py',
    '../_base_/default_runtime.py',
]

num_classes = 1
model = dict(
    detector=dict(
        roi_head=dict(
            bbox_head=dict(num_classes=num_classes),
            mask_head=dict(
                num_classes=num_classes,
                loss_projection=dict(topk=[0.4]),  # of pedestrians
            ),
        ),
        test_cfg=dict(rcnn=dict(mask_refiner=dict(max_empty_share=[0.15]))),
    ),
    track_head=dict(num_classes=num_classes),
)

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

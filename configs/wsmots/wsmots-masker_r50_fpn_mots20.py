# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# MOTS20 boxes only: tools/label_dataset.py writes the masks to learn from; at test the
# masker segments the detections.
_base_ = [
    '../_base_/models/mots_r50_fpn.py',
    '../_base_/models/masker_at_test.py',
    '../_base_/datasets/mots20.py',
    '../_base_/schedules/kitti_150e.py',
    '../_base_/default_runtime.py',
]

num_classes = 1
model = dict(
    detector=dict(
        roi_head=dict(
            bbox_head=dict(num_classes=num_classes),
            mask_head=dict(num_classes=num_classes),
        )
    ),
    track_head=dict(num_classes=num_classes),
    masker=_base_.masker,
)

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
train_dataloader = dict(
    dataset=dict(
        ann_file=f'annotations/mots20_fold-{_base_.fold}_train_masks.json',
        with_mask=True,
        pipeline=train_pipeline,
    )
)

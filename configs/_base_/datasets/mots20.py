# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Boxes and identities of the pedestrians of MOTS20; no mask is read. Trained on three
# sequences and evaluated on the fourth, which MOTS20_FOLD names: 0002 (default), 0005,
# 0009 or 0011.
_base_ = './kitti_mots.py'

fold = '{{$MOTS20_FOLD:0002}}'
dataset_type = 'MOTS20Dataset'
data_root = 'data/MOTS20/'
img_scale = (1088, 1088)  # of 1920 x 1080: 1088 x 612, as mmdet's MOT17 configs

random_resize = dict(_base_.random_resize, scale=img_scale)
train_pipeline = [
    dict(type='ClipFrameSample', num_frames=_base_.num_frames),
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
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file=f'annotations/mots20_fold-{fold}_train.json',
        data_prefix=dict(img_path='train'),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file=f'annotations/mots20_fold-{fold}_val.json',
        data_prefix=dict(img_path='train'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(gt_dir=data_root + 'train', benchmark='mots20')
test_evaluator = val_evaluator

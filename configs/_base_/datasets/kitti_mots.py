# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Boxes, classes and identities of KITTI MOTS; no mask is read.
dataset_type = 'KITTIMOTSDataset'
data_root = 'data/kitti_mots/'
img_scale = (1242, 375)
num_frames = 3  # of a training clip
with_mask = False
backend_args = None

random_resize = dict(
    type='RandomResize', scale=img_scale, ratio_range=(0.8, 1.25), keep_ratio=True
)
train_pipeline = [
    dict(type='ClipFrameSample', num_frames=num_frames),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadAnnotatedFrame', backend_args=backend_args),
            dict(type='LoadTrackAnnotations', with_mask=with_mask),
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
            dict(type='LoadImageFromFile', backend_args=backend_args),
            dict(type='Resize', scale=img_scale, keep_ratio=True),
            dict(type='LoadTrackAnnotations'),
        ],
    ),
    dict(type='PackTrackInputs'),
]

train_dataloader = dict(
    batch_size=2,  # clips
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='ClipSampler', num_frames=num_frames),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/kitti_mots_train.json',
        data_prefix=dict(img_path='training/image_02'),
        with_mask=with_mask,
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='TrackImgSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/kitti_mots_val.json',
        data_prefix=dict(img_path='training/image_02'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='MOTSMetric', gt_dir=data_root + 'instances_txt')
test_evaluator = val_evaluator

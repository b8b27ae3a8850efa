# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Second stage: the network sees which box is meant, and learns from the masks that
# tools/label_dataset.py makes of the boxes with the first stage's network. It is run in
# rounds: each labels the boxes again for the next.
_base_ = './box-masker_mnv2_coco-boxes.py'

model = dict(
    prompt=True,
    loss_outside=None,
    loss_projection=None,
    loss_pairwise=None,
    loss_mask=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=2.0),
    loss_dice=dict(type='DiceLoss', use_sigmoid=True, naive_dice=False),
    train_cfg=dict(occluder_prob=0.7, unknown_overlap=6.0),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
    dict(type='LoadMaskScores'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMOTSDetInputs'),
]
train_dataloader = dict(
    dataset=dict(
        ann_file='annotations/instances_train2017_masks.json', pipeline=train_pipeline
    )
)
max_iters = 800
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=7e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0, T_max=max_iters),
]
custom_hooks = [
    dict(type='FiniteLossHook'),
    dict(type='EMAHook', momentum=0.005),
]
load_from = 'work_dirs/box-masker_mnv2_coco-boxes/iter_1200.pth'
# What learns from new boxes first when these weights are adapted to them, for three
# times as many iterations: its crops have a quarter of the pixels. Then both label the
# boxes.
first_stage = dict(
    num_iters_factor=3,
    config='{{ fileDirname }}/box-masker_mnv2_new-boxes.py',
    checkpoint='{{ fileDirname }}/box-masker_mnv2_coco-boxes.pth',
)

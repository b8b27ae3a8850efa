# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Mask R-CNN with Swin-T that learns masks from boxes by the losses of Ruiz et al. No
# mask is read in training.
_base_ = 'mmdet::swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco.py'

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)
custom_hooks = [dict(type='MaskGuardHook')]

model = dict(
    data_preprocessor=dict(type='RGBDetDataPreprocessor', pad_mask=False),
    roi_head=dict(
        type='GradCAMRoIHead',
        bbox_roi_extractor=dict(roi_layer=dict(output_size=14)),
        bbox_head=dict(type='GradCAMBBoxHead'),
        mask_head=dict(type='GradCAMMaskHead'),
    ),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

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

train_pipeline = _base_.train_pipeline
train_pipeline[1].with_mask = False
test_pipeline = _base_.test_pipeline
test_pipeline[2].with_mask = False
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

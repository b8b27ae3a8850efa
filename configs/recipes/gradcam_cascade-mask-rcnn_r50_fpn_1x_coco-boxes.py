# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Cascade Mask R-CNN that learns masks from boxes by the losses of Ruiz et al.; the heat
# maps of a stage come from its own box head. No mask is read in training.
_base_ = 'mmdet::cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)
custom_hooks = [dict(type='MaskGuardHook')]

model = dict(
    data_preprocessor=dict(type='RGBDetDataPreprocessor', pad_mask=False),
    roi_head=dict(
        type='GradCAMCascadeRoIHead',
        bbox_roi_extractor=dict(roi_layer=dict(output_size=14)),
        bbox_head=[
            dict(head, type='GradCAMBBoxHead')
            for head in _base_.model.roi_head.bbox_head
        ],
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

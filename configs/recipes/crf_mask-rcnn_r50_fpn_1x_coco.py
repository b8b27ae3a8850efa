# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Mask R-CNN that learns from masks, with L_CRF beside its cross entropy.
_base_ = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)

model = dict(
    data_preprocessor=dict(type='RGBDetDataPreprocessor'),
    roi_head=dict(
        mask_head=dict(
            type='CRFMaskHead',
            # A tenth of the weight of Ruiz et al., which draws masks to filled boxes.
            loss_crf=dict(type='CRFLoss', sigma_rgb=8.0, loss_weight=2e-8),
        )
    ),
)

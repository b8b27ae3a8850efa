# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# BoxInst with L_CRF beside its own losses. No mask is read in training.
_base_ = 'mmdet::boxinst/boxinst_r50_fpn_ms-90k_coco.py'

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)

model = dict(
    data_preprocessor=dict(type='RGBBoxInstDataPreprocessor'),
    mask_head=dict(
        type='CRFBoxInstMaskHead',
        # A tenth of the weight of Ruiz et al., which draws masks to filled boxes.
        loss_crf=dict(type='CRFLoss', sigma_rgb=8.0, loss_weight=2e-8),
    ),
)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The weakly supervised losses of Ruiz et al. in place of the mask cross entropy.
_base_ = './mots_r50_fpn.py'

model = dict(
    data_preprocessor=dict(pad_mask=False),
    detector=dict(
        roi_head=dict(
            type='GradCAMRoIHead',
            bbox_head=dict(type='GradCAMBBoxHead'),
            mask_head=dict(
                type='GradCAMMaskHead',
                cam_thr=0.5,
                # `gather`: the mean over the proposals of all GPUs, as on a single one.
                loss_loc=dict(type='PartialCrossEntropyLoss', gather=True),
                loss_crf=dict(
                    type='CRFLoss',
                    sigma_rgb=15.0,
                    sigma_xy=100.0,
                    loss_weight=2e-7,
                    gather=True,
                ),
            ),
        )
    ),
)

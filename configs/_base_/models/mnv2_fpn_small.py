# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# A small, frozen, ImageNet-pretrained MobileNetV2 with a narrow FPN: minutes on a
# CPU. Merged into a model by the leaf configs.
channels = 64

model = dict(
    detector=dict(
        backbone=dict(
            _delete_=True,
            type='MobileNetV2',
            out_indices=(1, 2, 4, 6),
            frozen_stages=7,
            norm_eval=True,
            init_cfg=dict(
                type='Pretrained', checkpoint='data/pretrained/mobilenet_v2.pth'
            ),
        ),
        neck=dict(in_channels=[24, 32, 96, 320], out_channels=channels),
        rpn_head=dict(in_channels=channels, feat_channels=channels),
        roi_head=dict(
            bbox_roi_extractor=dict(out_channels=channels),
            bbox_head=dict(in_channels=channels, fc_out_channels=256),
            mask_roi_extractor=dict(out_channels=channels),
            mask_head=dict(in_channels=channels, conv_out_channels=channels),
        ),
    ),
    track_head=dict(roi_extractor=dict(out_channels=channels), in_channels=channels),
)

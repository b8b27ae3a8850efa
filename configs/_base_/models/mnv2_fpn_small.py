# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# A small, frozen, ImageNet-pretrained MobileNetV2 with a narrow FPN and fewer RoIs:
# minutes on a CPU. A leaf config merges it: `model = _base_.small_model`. Weights from
# tools/model_converters/mobilenetv2_to_mmdet.py.
channels = 64
roi_extractor = dict(
    type='GatherRoIExtractor',
    out_channels=channels,
    roi_layer=dict(sampling_ratio=1),
)

small_model = dict(
    detector=dict(
        backbone=dict(
            _delete_=True,
            type='FrozenMobileNetV2',
            init_cfg=dict(
                type='Pretrained', checkpoint='data/pretrained/mobilenet_v2.pth'
            ),
        ),
        neck=dict(in_channels=[24, 32, 96, 320], out_channels=channels),
        rpn_head=dict(in_channels=channels, feat_channels=channels // 2),
        roi_head=dict(
            bbox_roi_extractor=roi_extractor,
            bbox_head=dict(in_channels=channels, fc_out_channels=256),
            mask_roi_extractor=roi_extractor,
            mask_head=dict(in_channels=channels, conv_out_channels=channels // 2),
        ),
        train_cfg=dict(
            rpn=dict(sampler=dict(num=64)),
            rpn_proposal=dict(nms_pre=150, max_per_img=100),
            rcnn=dict(sampler=dict(num=32)),
        ),
        test_cfg=dict(rpn=dict(nms_pre=150, max_per_img=100), rcnn=dict(score_thr=0.6)),
    ),
    track_head=dict(roi_extractor=roi_extractor, in_channels=channels),
)

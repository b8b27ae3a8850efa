# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Crops of 128 pixels, MobileNetV2, a mask of 64 x 64 cells: minutes on a CPU. ImageNet
# weights from tools/model_converters/mobilenetv2_to_mmdet.py.
model = dict(
    type='BoxMasker',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='TrimmedMobileNetV2',
        out_indices=(0, 1, 2, 4, 6),
        frozen_stages=1,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='data/pretrained/mobilenet_v2.pth'),
    ),
    decoder=dict(type='CropDecoder', in_channels=[16, 24, 32, 96, 320]),
    train_cfg=dict(num_crops=16),
    test_cfg=dict(
        mask_thr_binary=0.5,
        mask_refiner=dict(
            type='MaskRefiner',
            mean_field=dict(
                size=64, sigma_rgb=5.0, sigma_xy=5.0, num_iters=3, color_weight=0.8
            ),
            max_empty_share=0.2,
            fill_holes=True,
        ),
    ),
)

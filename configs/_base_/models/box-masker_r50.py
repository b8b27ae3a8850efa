# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# For GPUs: ResNet-50 on crops of 256 pixels. A leaf config merges it:
# `model = _base_.r50_model`. LABEL_OPTIONS of tools/train_masker.sh are those of the
# small network; here they want mean_field.sigma_xy=14.0.
r50_model = dict(
    crop_size=256,
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    decoder=dict(in_channels=[256, 512, 1024, 2048], channels=128),
    train_cfg=dict(num_crops=64),
    test_cfg=dict(mask_refiner=dict(mean_field=dict(size=128, sigma_xy=10.0))),
)

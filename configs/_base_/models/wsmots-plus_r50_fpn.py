# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Box-only training that does not collapse to the filled box: mask RoIs that do not
# tell where the box is, 0 outside the box, top-k box projection, LAB affinity, a
# bilinear head; at test, masks that follow the image's edges, end at the detection's
# box and reach its sides; a lost mask becomes the filled box.
_base_ = './mots_r50_fpn.py'

model = dict(
    data_preprocessor=dict(pad_mask=False),
    detector=dict(
        roi_head=dict(
            mask_context=1.6,
            mask_roi_sampler=dict(type='JitteredRoISampler', num_per_gt=2),
            mask_head=dict(
                type='BoxSupervisedMaskHead',
                upsample_cfg=dict(type='bilinear', scale_factor=2),
                num_upsample_convs=1,
                overlap='background',
                # `gather`: the mean over the RoIs of all GPUs, as on a single one.
                loss_loc=dict(type='PartialCrossEntropyLoss', gather=True),
                loss_projection=dict(
                    type='BoxProjectionLoss',
                    topk=[0.55, 0.4],
                    ground_share=0.1,
                    gather=True,
                ),
                loss_pairwise=dict(
                    type='PairwiseAffinityLoss', loss_weight=0.5, gather=True
                ),
            ),
        ),
        test_cfg=dict(
            rcnn=dict(
                mask_refiner=dict(
                    type='MaskRefiner',
                    max_empty_share=[0.05, 0.15],
                    mean_field=dict(size=112, sigma_xy=14.0),
                    clip_masks=True,
                    min_coverage=0.8,
                )
            )
        ),
    ),
)
# Whole, the loss outside the boxes keeps real shadows out; at once, it would empty the
# masks. A leaf config adds it: `custom_hooks = [*_base_.custom_hooks, ...]`.
loss_warmup = dict(
    type='LossWarmupHook',
    loss='detector.roi_head.mask_head.loss_loc',
    num_iters=100,
)

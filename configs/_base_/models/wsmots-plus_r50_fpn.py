# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Box-only training that does not collapse to the filled box: mask RoIs that do not
# tell where the box is, 0 outside the box, top-k box projection, LAB affinity, a
# bilinear head; at test, masks that follow the image's edges, end at the detection's
# box and reach its sides; a lost mask becomes the filled box.
_base_ = './wsmots_r50_fpn.py'

model = dict(
    detector=dict(
        roi_head=dict(
            mask_context=1.6,
            mask_roi_sampler=dict(type='JitteredRoISampler', num_per_gt=2),
            mask_head=dict(
                upsample_cfg=dict(type='bilinear', scale_factor=2),
                num_upsample_convs=1,
                cam_thr=None,
                overlap='background',
                # What leaks out of the box is clipped at test: a low weight leaves the
                # mask room to reach the sides.
                loss_loc=dict(loss_weight=0.3),
                loss_crf=None,
                loss_projection=dict(
                    type='BoxProjectionLoss', topk=[0.7, 0.45], gather=True
                ),
                loss_pairwise=dict(
                    type='PairwiseAffinityLoss', loss_weight=0.5, gather=True
                ),
            ),
        ),
        test_cfg=dict(
            rcnn=dict(
                clip_masks=True,
                max_empty_share=0.05,
                mean_field=dict(size=112, sigma_xy=10.0),
                min_coverage=0.8,
            )
        ),
    )
)

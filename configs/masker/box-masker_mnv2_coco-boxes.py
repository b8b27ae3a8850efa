# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# First stage: a network on crops learns masks from boxes alone.
_base_ = [
    '../_base_/models/box-masker_mnv2.py',
    '../_base_/datasets/coco_boxes.py',
    '../_base_/schedules/masker.py',
    '../_base_/small_runtime.py',
]

model = dict(
    loss_outside=dict(type='PartialCrossEntropyLoss', gather=True),
    loss_projection=dict(type='BoxProjectionLoss', topk=0.45, gather=True),
    loss_pairwise=dict(type='PairwiseAffinityLoss', loss_weight=0.5, gather=True),
)
custom_hooks = [
    dict(type='FiniteLossHook'),
    dict(type='EMAHook', momentum=0.005),
    dict(type='LossWarmupHook', loss='loss_outside', num_iters=100),
    dict(type='LossWarmupHook', loss='loss_pairwise', num_iters=200),
]

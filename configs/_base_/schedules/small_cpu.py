# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Minutes on two CPU cores with the small model.
max_iters = 400
# No validation in between, nor after the last iteration: tools/test.py does it.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_begin=10**9)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0, T_max=max_iters),
]

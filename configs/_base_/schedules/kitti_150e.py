# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Ruiz et al., table 1: SGD, lr 0.02, 150 epochs, 24 images on 4 GPUs. Momentum,
# decay, warm-up and steps are not stated there and follow seamseg.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=150, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-4, nesterov=True),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 3, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=True, milestones=[100, 130], gamma=0.1),
]
auto_scale_lr = dict(enable=False, base_batch_size=8)  # 8 clips of 3 frames

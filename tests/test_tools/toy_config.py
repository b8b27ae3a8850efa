# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Four samples a step, in one process; no shuffling, so that a run can be computed by
# hand and two processes with two samples each see the same batches.
default_scope = 'mmdet'
custom_imports = dict(imports=['toy_model'], allow_failed_imports=False)

model = dict(type='ToyModel')
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ToyDataset'),
)
test_dataloader = train_dataloader
test_evaluator = dict(type='ToyMetric')
test_cfg = dict(type='TestLoop')
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=4)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.5))
param_scheduler = [dict(type='MultiStepLR', milestones=[3], gamma=0.1)]
auto_scale_lr = dict(base_batch_size=2)
default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1))
log_level = 'WARNING'

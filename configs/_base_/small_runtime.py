# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Iterations in place of epochs, and a single process per loader.
_base_ = './default_runtime.py'

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=20),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=200),
)
log_processor = dict(by_epoch=False)

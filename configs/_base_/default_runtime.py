# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
_base_ = 'mmdet::_base_/default_runtime.py'

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)

default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=3),
    visualization=dict(_delete_=True, type='TrackVisualizationHook', draw=False),
)
custom_hooks = [
    dict(type='FiniteLossHook'),
    dict(type='MaskGuardHook'),
]

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(_delete_=True, type='MOTSVisualizer', vis_backends=vis_backends)

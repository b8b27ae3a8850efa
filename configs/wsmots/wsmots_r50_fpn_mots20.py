# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The paper's recipe on the boxes and identities of MOTS20's pedestrians.
_base_ = [
    '../_base_/models/wsmots_r50_fpn.py',
    '../_base_/datasets/mots20.py',
    '../_base_/schedules/kitti_150e.py',
    '../_base_/default_runtime.py',
]

num_classes = 1
model = dict(
    detector=dict(
        roi_head=dict(
            bbox_head=dict(num_classes=num_classes),
            mask_head=dict(num_classes=num_classes),
        )
    ),
    track_head=dict(num_classes=num_classes),
)

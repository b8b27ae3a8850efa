# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Ruiz et al., "Weakly Supervised Multi-Object Tracking and Segmentation": boxes,
# classes and identities in, masks and tracks out. 4 GPUs x 2 clips x 3 frames.
_base_ = [
    '../_base_/models/wsmots_r50_fpn.py',
    '../_base_/datasets/kitti_mots.py',
    '../_base_/schedules/kitti_150e.py',
    '../_base_/default_runtime.py',
]

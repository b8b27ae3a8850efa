# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Boxes only: the masks are those that tools/label_dataset.py writes of them. Small
# enough for a CPU, on rendered data.
_base_ = './mots_mnv2_fpn_rendered.py'

train_dataloader = dict(
    dataset=dict(ann_file='annotations/kitti_mots_train_masks.json')
)

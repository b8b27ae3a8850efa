# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Boxes only: the masks to learn from are those that tools/label_dataset.py writes of
# them, and at test the masker segments the detections. Small enough for a CPU, on
# rendered data.
_base_ = ['./mots_mnv2_fpn_rendered.py', '../_base_/models/masker_at_test.py']

model = dict(masker=_base_.masker)
train_dataloader = dict(
    dataset=dict(ann_file='annotations/kitti_mots_train_masks.json')
)

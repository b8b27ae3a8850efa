# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# KITTI MOTS boxes only: the masks to learn from are those that tools/label_dataset.py
# writes of them, unsure ones weigh less; at test the masker segments the detections.
_base_ = ['./mots_r50_fpn_kitti.py', '../_base_/models/masker_at_test.py']

model = dict(masker=_base_.masker)
train_dataloader = dict(
    dataset=dict(ann_file='annotations/kitti_mots_train_masks.json')
)

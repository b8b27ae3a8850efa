# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# KITTI MOTS boxes only: the masks are those that tools/label_dataset.py writes of them,
# unsure ones weigh less.
_base_ = './mots_r50_fpn_kitti.py'

train_dataloader = dict(
    dataset=dict(ann_file='annotations/kitti_mots_train_masks.json')
)

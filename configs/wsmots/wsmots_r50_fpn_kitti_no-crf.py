# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Ablation of Ruiz et al., table 3, row 2: L_loc + L_T.
_base_ = './wsmots_r50_fpn_kitti.py'

model = dict(detector=dict(roi_head=dict(mask_head=dict(loss_crf=None))))

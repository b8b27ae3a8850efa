# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Ablation of Ruiz et al., table 3, row 3: L_loc + L_CRF; L_T trains the tracking head
# but its gradient does not reach the masks.
_base_ = './wsmots_r50_fpn_kitti.py'

model = dict(track_head=dict(detach_mask=True))

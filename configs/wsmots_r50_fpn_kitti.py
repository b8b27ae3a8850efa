# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The paper's recipe under its short name: tools/dist_train.sh of this file works as
# papers and notes give it.
_base_ = './wsmots/wsmots_r50_fpn_kitti.py'

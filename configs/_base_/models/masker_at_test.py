# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The released masker segments the detections at test. A leaf config merges it:
# `model = dict(masker=_base_.masker)`.
_base_ = './box-masker_mnv2.py'

masker = _base_.model
masker.prompt = True
masker.train_cfg = None
masker.backbone.init_cfg = None
masker.init_cfg = dict(
    type='Pretrained',
    checkpoint='{{ fileDirname }}/../../masker/box-masker_mnv2_coco-labels.pth',
)
del _base_.model

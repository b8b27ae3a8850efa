# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The plus recipe on images without video: masks from the boxes of COCO's instances, or
# of any data in its format. No mask is read in training; AP of masks is what it is
# tested by.
_base_ = [
    '../_base_/models/wsmots-plus_r50_fpn.py',
    'mmdet::_base_/datasets/coco_detection.py',
    'mmdet::_base_/schedules/schedule_1x.py',
    'mmdet::_base_/default_runtime.py',
]

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)
custom_hooks = [
    dict(type='MaskGuardHook'),
    dict(_base_.loss_warmup, loss='roi_head.mask_head.loss_loc'),
]

num_classes = 80

model = _base_.model.detector
model.data_preprocessor = _base_.model.data_preprocessor
model.data_preprocessor.type = 'RGBDetDataPreprocessor'
model.roi_head.bbox_head.num_classes = num_classes
model.roi_head.mask_head.num_classes = num_classes
# One share for all classes, as the base's were tuned for cars and pedestrians, and not
# all of them stand on the ground.
model.roi_head.mask_head.loss_projection.update(topk=0.5, ground_share=1.0)
model.test_cfg.rcnn.mask_refiner.max_empty_share = 0.1
model.test_cfg.rcnn.score_thr = 0.05
del _base_.model

val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = val_evaluator

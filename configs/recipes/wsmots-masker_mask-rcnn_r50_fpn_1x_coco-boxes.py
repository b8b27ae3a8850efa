# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Boxes of images without video: Mask R-CNN on the masks that tools/label_dataset.py
# writes of COCO's boxes, or of any data in its format; unsure ones weigh less.
_base_ = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)

model = dict(roi_head=dict(mask_head=dict(type='MOTSMaskHead')))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='LoadMaskScores'),
    dict(type='PackMOTSDetInputs'),
]
train_dataloader = dict(
    dataset=dict(
        ann_file='annotations/instances_train2017_masks.json', pipeline=train_pipeline
    )
)

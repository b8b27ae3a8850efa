# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# The first stage again, on the boxes that somebody has: `--adapt` of the tools. In few
# boxes, shadows go along with their objects; synthetic ones show shadows as background,
# and the lowest rows of a box may be empty between wheels or feet. Coarse crops learn
# this; on fine ones a synthetic shadow looks unlike a real one.
_base_ = './box-masker_mnv2_coco-boxes.py'

model = dict(crop_size=64, loss_projection=dict(ground_share=0.1))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomShadow', max_num=8, gain=(0.03, 0.5)),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

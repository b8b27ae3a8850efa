# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# One's own clip: frames, boxes and identities in, converted by
# tools/dataset_converters/mot2coco.py and given masks by tools/label_dataset.py; masks
# and tracks out, minutes on a CPU.
_base_ = [
    '../_base_/models/mots_r50_fpn.py',
    '../_base_/models/mnv2_fpn_small.py',
    '../_base_/models/masker_at_test.py',
    '../_base_/datasets/clip.py',
    '../_base_/schedules/small_cpu.py',
    '../_base_/small_runtime.py',
]

model = _base_.small_model
model.masker = _base_.masker

train_pipeline = [
    dict(type='ClipFrameSample', num_frames=_base_.num_frames),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadAnnotatedFrame'),
            dict(type='LoadTrackAnnotations', with_mask=True),
            _base_.random_resize,
            dict(type='RandomFlip', prob=0.5),
            dict(type='LoadMaskScores'),
        ],
    ),
    dict(type='PackMOTSInputs'),
]
train_dataloader = dict(
    dataset=dict(ann_file='boxes_masks.json', with_mask=True, pipeline=train_pipeline)
)

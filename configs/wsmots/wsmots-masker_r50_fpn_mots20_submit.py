# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# Trained on all four sequences; the test set's tracks are written for motchallenge.net.
_base_ = './wsmots-masker_r50_fpn_mots20.py'

train_dataloader = dict(dataset=dict(ann_file='annotations/mots20_train_masks.json'))
test_dataloader = dict(
    dataset=dict(
        ann_file='annotations/mots20_test.json', data_prefix=dict(img_path='test')
    )
)
val_dataloader = val_cfg = val_evaluator = None
test_evaluator = dict(
    gt_dir=None, format_only=True, outfile_prefix='work_dirs/mots20_submit'
)

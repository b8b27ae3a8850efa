# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# IoUCosineTracker behind a Faster R-CNN, which mmdet's config of the detector trains.
# Without embeddings overlap decides, with the motion and thresholds of mmdet's SORT.
_base_ = (
    'mmdet::sort/sort_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval.py'
)

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)

model = dict(
    detector=dict(test_cfg=dict(rcnn=dict(score_thr=0.5))),
    tracker=dict(
        _delete_=True,
        type='IoUCosineTracker',
        num_frames_retain=30,
        match_sim_thr=0.5,
        motion='kalman',
    ),
)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# QDTrack with IoUCosineTracker on its own embeddings.
_base_ = (
    'mmdet::qdtrack/'
    'qdtrack_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval.py'
)

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)

model = dict(
    # QDTrack's tracker continues a track from 0.5 on.
    detector=dict(test_cfg=dict(rcnn=dict(score_thr=0.5))),
    tracker=dict(_delete_=True, type='IoUCosineTracker', num_frames_retain=30),
)

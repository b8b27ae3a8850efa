# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# MaskTrack R-CNN with the embeddings and the tracker of MOTSNet.
_base_ = (
    'mmdet::masktrack_rcnn/masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py'
)

custom_imports = dict(imports=['mmwsmots'], allow_failed_imports=False)

model = dict(
    # Every detection gets a track: not those of 0.01 that mmdet's tracker is given.
    detector=dict(test_cfg=dict(rcnn=dict(score_thr=0.3))),
    track_head=dict(
        _delete_=True,
        type='HardTripletTrackHead',
        embed_head=dict(
            type='HardTripletEmbedHead',
            roi_extractor=dict(
                type='SingleRoIExtractor',
                roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
                out_channels=256,
                featmap_strides=[4, 8, 16, 32],
            ),
            in_channels=256,
            # 40 classes: an embedding for each would be learned from few videos.
            class_agnostic=True,
            embed_dims=32,
        ),
    ),
    tracker=dict(_delete_=True, type='IoUCosineTracker', num_frames_retain=20),
)

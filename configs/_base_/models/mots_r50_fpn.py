# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
# MOTSNet of Ruiz et al.: Mask R-CNN, two 1x1 convolutions in the box branch and a
# tracking head. Learns masks from masks; wsmots_r50_fpn.py learns them from boxes.
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'

num_classes = 2  # car, pedestrian

detector = _base_.model
preprocessor = detector.pop('data_preprocessor')
preprocessor.pop('pad_mask')
roi_head = detector.roi_head
roi_head.type = 'MOTSRoIHead'
roi_head.bbox_roi_extractor.roi_layer.output_size = 14
roi_head.bbox_head.type = 'MOTSBBoxHead'
roi_head.bbox_head.num_classes = num_classes
roi_head.mask_head.type = 'MOTSMaskHead'
roi_head.mask_head.num_classes = num_classes
detector.test_cfg.rcnn.score_thr = 0.9
del _base_.model

model = dict(
    type='MOTSNet',
    data_preprocessor=dict(
        preprocessor, type='RGBTrackDataPreprocessor', pad_mask=True
    ),
    detector=detector,
    track_head=dict(
        type='HardTripletEmbedHead',
        roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[4, 8, 16, 32],
        ),
        in_channels=256,
        embed_dims=8,
        num_classes=num_classes,
        loss_triplet=dict(type='HardTripletLoss', margin=0.2),
    ),
    tracker=dict(type='IoUCosineTracker', num_frames_retain=10),
)

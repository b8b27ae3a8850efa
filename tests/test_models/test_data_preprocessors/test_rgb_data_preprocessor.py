# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.registry import MODELS

from ..utils import random_batch

CFG = dict(
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_size_divisor=32,
)


def test_track_rgb_is_the_image_before_normalisation():
    batch = random_batch([1, 2])
    images = [clip.clone() for clip in batch['inputs']]
    preprocessor = MODELS.build(dict(CFG, type='RGBTrackDataPreprocessor'))
    data = preprocessor(batch, training=True)
    for clip, sample in zip(images, data['data_samples']):
        for bgr, frame in zip(clip, sample.video_data_samples):
            rgb = frame.gt_instances.rgb
            expected = bgr[[2, 1, 0]].float()
            torch.testing.assert_close(rgb, expected, atol=1e-3, rtol=0)


def test_det_rgb_for_losses_in_training_and_for_masks_at_test():
    batch = random_batch([2], num_frames=1)
    image = batch['inputs'][0][0]
    sample = batch['data_samples'][0].video_data_samples[0]
    preprocessor = MODELS.build(dict(CFG, type='RGBDetDataPreprocessor'))
    batch = dict(inputs=[image], data_samples=[sample])
    (plain,) = preprocessor(batch, training=False)['data_samples']
    assert 'rgb' not in plain.gt_instances
    at_test = plain.rgb
    (frame,) = preprocessor(batch, training=True)['data_samples']
    expected = image[[2, 1, 0]].float()
    torch.testing.assert_close(frame.gt_instances.rgb, expected, atol=1e-3, rtol=0)
    torch.testing.assert_close(at_test, expected, atol=1e-3, rtol=0)


def test_track_rgb_at_test_and_images_without_samples():
    batch = random_batch([1], num_frames=1)
    image = batch['inputs'][0][0].clone()
    preprocessor = MODELS.build(dict(CFG, type='RGBTrackDataPreprocessor'))
    (clip,) = preprocessor(batch, training=False)['data_samples']
    (frame,) = clip.video_data_samples
    expected = image[[2, 1, 0]].float()
    torch.testing.assert_close(frame.rgb, expected, atol=1e-3, rtol=0)
    assert 'rgb' in frame.metainfo and 'rgb' not in frame.gt_instances
    detector = MODELS.build(dict(CFG, type='RGBDetDataPreprocessor'))
    assert detector(dict(inputs=[image]), training=False)['data_samples'] is None

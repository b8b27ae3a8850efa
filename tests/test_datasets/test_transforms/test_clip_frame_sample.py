# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import random
from collections import Counter

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import DATA_SAMPLERS, DATASETS, TRANSFORMS
from mmengine.dataset import pseudo_collate

from mmwsmots.datasets import ClipFrameSample
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.rle import mask_to_rle

HEIGHT, WIDTH = 40, 64


@pytest.fixture(autouse=True)
def seed():
    random.seed(0)
    np.random.seed(0)


def clips_of(transform, frame_ids, key_index, times=300):
    return {tuple(transform.sample_frames(frame_ids, key_index)) for _ in range(times)}


@pytest.mark.parametrize('num_frames', [1, 2, 3, 5])
@pytest.mark.parametrize('length', [1, 2, 7])
def test_clips_against_enumeration(num_frames, length):
    transform = ClipFrameSample(num_frames)
    for key in range(length):
        # All windows with the key.
        reachable = range(length)
        expected = set()
        for start in range(len(reachable)):
            window = tuple(reachable[start : start + num_frames])
            if key in window and len(window) == num_frames:
                expected.add(window)
        if not expected:
            last = reachable[-1]
            missing = num_frames - len(reachable)
            expected = {tuple(reachable) + (last,) * missing}
        assert clips_of(transform, range(length), key) == expected


def test_every_offset_is_as_likely():
    transform = ClipFrameSample(num_frames=4)
    starts = Counter(transform.sample_frames(range(20), 10)[0] for _ in range(4000))
    assert set(starts) == {7, 8, 9, 10}
    assert min(starts.values()) > 850  # 1000 expected, deviation 27


def test_clip_does_not_jump_over_frames_that_were_left_out():
    transform = ClipFrameSample(num_frames=3)
    frame_ids = [0, 1, 2, 10, 11, 20]
    assert clips_of(transform, frame_ids, 1) == {(0, 1, 2)}
    assert clips_of(transform, frame_ids, 3) == {(3, 4, 4)}
    assert clips_of(transform, frame_ids, 5) == {(5, 5, 5)}


@pytest.mark.parametrize(
    'kwargs, message',
    [
        (dict(num_frames=0), 'num_frames must be an integer >= 1, got 0'),
        (dict(num_frames=2.0), 'num_frames must be an integer >= 1, got 2.0'),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build(dict(type='ClipFrameSample', **kwargs))


def mask_of(frame, track):
    """A block that moves right by 4 pixels per frame, with a notch."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    left = 4 + 4 * frame
    top = 8 if track == 1001 else 24
    mask[top : top + 8, left : left + 12] = True
    mask[top : top + 4, left : left + 4] = False
    return mask


@pytest.fixture
def root(tmp_path):
    """Two videos of four and three frames; the masks are drawn into the frames."""
    builder = CocoVIDBuilder({'car': 1, 'pedestrian': 2})
    for name, length in (('0000', 4), ('0001', 3)):
        names = [f'{name}/{i:06d}.png' for i in range(length)]
        video = builder.add_video(name, names, (HEIGHT, WIDTH))
        (tmp_path / name).mkdir()
        for frame in range(length):
            image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
            for track in (1001, 2001):
                mask = mask_of(frame, track)
                image[mask] = 255
                ys, xs = np.nonzero(mask)
                w, h = np.ptp(xs) + 1, np.ptp(ys) + 1
                builder.add_object(
                    video,
                    frame,
                    track // 1000,
                    track,
                    bbox=[xs.min(), ys.min(), w, h],
                    area=mask.sum(),
                    segmentation=dict(size=[HEIGHT, WIDTH], counts=mask_to_rle(mask)),
                )
            region = np.zeros((HEIGHT, WIDTH), dtype=bool)
            region[36:, :6] = True
            builder.add_object(
                video,
                frame,
                None,
                10000,
                bbox=[0, 36, 6, 4],
                area=24,
                segmentation=dict(size=[HEIGHT, WIDTH], counts=mask_to_rle(region)),
            )
            cv2.imwrite(str(tmp_path / name / f'{frame:06d}.png'), image)
    builder.write(tmp_path / 'train.json')
    return tmp_path


def build(root, with_mask, flip_prob=0.5, **kwargs):
    load = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadTrackAnnotations', with_mask=with_mask),
        dict(type='Resize', scale=(2 * WIDTH, 2 * HEIGHT), keep_ratio=True),
        dict(type='RandomFlip', prob=flip_prob),
    ]
    return DATASETS.build(
        dict(
            type='KITTIMOTSDataset',
            ann_file=str(root / 'train.json'),
            data_prefix=dict(img_path=str(root)),
            with_mask=with_mask,
            pipeline=[
                dict(type='ClipFrameSample', num_frames=3),
                dict(
                    type='TransformBroadcaster',
                    share_random_params=True,
                    transforms=load,
                ),
                dict(type='PackTrackInputs'),
            ],
            **kwargs,
        )
    )


def test_pipeline_keeps_pictures_boxes_masks_and_ids_together(root):
    dataset = build(root, with_mask=True)
    flips = set()
    for key in range(4):
        for _ in range(4):
            packed = dataset[0, key]
            frames = packed['data_samples'].video_data_samples
            assert packed['inputs'].shape == (3, 3, 2 * HEIGHT, 2 * WIDTH)
            frame_ids = [frame.frame_id for frame in frames]
            assert frame_ids in ([0, 1, 2], [1, 2, 3])
            assert key in frame_ids
            assert len({frame.flip for frame in frames}) == 1
            flips.add(frames[0].flip)
            for image, frame in zip(packed['inputs'], frames):
                gt = frame.gt_instances
                assert gt.instances_ids.tolist() == [1, 2]
                assert gt.labels.tolist() == [0, 1]
                assert frame.ori_shape == (HEIGHT, WIDTH)
                assert frame.ori_video_length == 4
                assert frame.video_length == 3
                # The picture is white where the masks are, up to interpolation.
                drawn = torch.from_numpy(gt.masks.masks.any(0))
                assert ((image[0] > 127) != drawn).float().mean() < 0.02
                for box, mask in zip(gt.bboxes, gt.masks.masks):
                    ys, xs = np.nonzero(mask)
                    tight = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
                    np.testing.assert_allclose(box, tight, atol=1)
                ignored = frame.ignored_instances
                assert len(ignored) == 1
                x = 2 * WIDTH - 12 if frame.flip else 0
                box = ignored.bboxes[0].tolist()
                assert box == [x, 72, x + 12, 80]
                assert ignored.masks.masks[0, 72:80, x : x + 12].all()
                assert ignored.masks.masks.sum() == 96
    assert flips == {True, False}


def test_pipeline_without_masks_is_the_same_but_for_them(root):
    random.seed(1)
    np.random.seed(1)
    weak = build(root, with_mask=False)[1, 1]
    random.seed(1)
    np.random.seed(1)
    full = build(root, with_mask=True)[1, 1]
    assert torch.equal(weak['inputs'], full['inputs'])
    frames = zip(
        weak['data_samples'].video_data_samples, full['data_samples'].video_data_samples
    )
    for frame, expected in frames:
        assert set(frame.gt_instances.keys()) == {'bboxes', 'labels', 'instances_ids'}
        assert torch.equal(frame.gt_instances.bboxes, expected.gt_instances.bboxes)
        assert 'mask' not in str(frame.instances)
        assert 'counts' in str(expected.instances)


def test_sampler_and_batches_of_several_clips(root):
    dataset = build(root, with_mask=False)
    sampler = DATA_SAMPLERS.build(
        dict(type='TrackImgSampler', seed=0), default_args=dict(dataset=dataset)
    )
    indices = list(sampler)
    assert sorted(indices) == [(0, i) for i in range(4)] + [(1, i) for i in range(3)]
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=3, sampler=sampler, collate_fn=pseudo_collate
    )
    batches = list(loader)
    assert [len(batch['inputs']) for batch in batches] == [3, 3, 1]
    for batch in batches:
        for sample in batch['data_samples']:
            videos = {frame.video_id for frame in sample.video_data_samples}
            assert len(videos) == 1


def test_without_a_sampler_the_key_frame_is_random(root):
    dataset = build(root, with_mask=False)
    starts = {
        dataset[0]['data_samples'].video_data_samples[0].frame_id for _ in range(30)
    }
    assert starts == {0, 1}

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
import torch
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

from mmwsmots.datasets.transforms import RandomShadow, random_shadow

HEIGHT, WIDTH = 60, 120
BOX = [30.0, 10.0, 70.0, 40.0]


def shade(transform, boxes=(BOX,), level=200, seed=0):
    """What is left of the light of an even frame, (H, W)."""
    np.random.seed(seed)
    image = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    boxes = HorizontalBoxes(torch.tensor(boxes).reshape(-1, 4))
    results = transform(dict(img=image.copy(), gt_bboxes=boxes))
    assert results['img'].dtype == np.uint8
    assert results['gt_bboxes'] is boxes
    assert (image == level).all()
    gain = results['img'].astype(float) / level
    np.testing.assert_array_equal(gain[..., 0], gain[..., 2])
    return gain[..., 0]


def test_a_shadow_takes_a_part_of_the_light(monkeypatch):
    monkeypatch.setattr(random_shadow, 'UNDER_PROB', 1.0)
    transform = RandomShadow(max_num=1, gain=(0.4, 0.5))
    gains = np.stack([shade(transform, seed=seed) for seed in range(50)])
    assert gains.max() == 1
    darkest = gains.min(axis=(1, 2))
    assert (darkest > 0.39).all()  # one shadow, not two on each other
    # Slivers of random polygons may be blurred away, most are not.
    assert np.median(darkest) < 0.52


def test_shadows_of_several_darken_each_other(monkeypatch):
    monkeypatch.setattr(random_shadow, 'UNDER_PROB', 1.0)
    transform = RandomShadow(max_num=8, gain=(0.5, 0.5))
    assert min(shade(transform, seed=seed).min() for seed in range(20)) < 0.3


def test_under_the_object_and_across_the_side_of_its_box(monkeypatch):
    monkeypatch.setattr(random_shadow, 'UNDER_PROB', 1.0)
    transform = RandomShadow(max_num=1)
    darkness = np.mean([1 - shade(transform, seed=i) for i in range(400)], axis=0)
    rows, cols = np.indices(darkness.shape)
    x = (darkness * cols).sum() / darkness.sum() + 0.5
    y = (darkness * rows).sum() / darkness.sum() + 0.5
    assert abs(x - 50) < 2  # the middle of the box
    assert abs(y - (40 + 0.1 * 30)) < 1.5  # the mean of -0.05 and 0.25 of its height
    # On average no step at a side of the box, where a mask would learn it.
    profile = darkness[:, 35:65].mean(axis=1)
    steps = np.abs(np.diff(profile))
    assert profile[39] > 0.1
    assert steps[39] < 1.5 * max(steps[38], steps[40])


def test_elsewhere_at_the_same_level(monkeypatch):
    monkeypatch.setattr(random_shadow, 'UNDER_PROB', 0.0)
    transform = RandomShadow(max_num=1)
    darkness = np.mean([1 - shade(transform, seed=i) for i in range(400)], axis=0)
    columns = darkness.sum(axis=0)
    assert columns[10:40].mean() == pytest.approx(columns[80:110].mean(), rel=0.35)
    assert abs(darkness.sum(axis=1).argmax() - 40) <= 4


def test_frames_without_boxes_stay_as_they_are():
    assert (shade(RandomShadow(), boxes=()) == 1).all()


def test_boxes_at_the_border_and_outside_the_frame():
    transform = RandomShadow()
    for box in (
        [-30, -30, 5, 5],
        [100, 50, 200, 100],
        [300, 300, 310, 310],
        [9, 9, 9, 9],
    ):
        for seed in range(20):
            assert shade(transform, boxes=[list(map(float, box))], seed=seed).max() <= 1


def test_the_seed_decides_it():
    one, other = (shade(RandomShadow(), seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert (one != shade(RandomShadow(), seed=4)).any()


def test_boxes_as_the_tracking_pipeline_loads_them():
    boxes = np.array([BOX], np.float32)
    np.random.seed(0)
    results = dict(img=np.full((HEIGHT, WIDTH, 3), 200, np.uint8), gt_bboxes=boxes)
    np.testing.assert_array_equal(
        RandomShadow()(results)['img'][..., 0], np.rint(200 * shade(RandomShadow()))
    )


def test_frames_of_a_clip_share_their_shadows():
    transform = TRANSFORMS.build(
        dict(
            type='TransformBroadcaster',
            share_random_params=True,
            transforms=[dict(type='RandomShadow')],
        )
    )
    level = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    boxes = [np.array([BOX], np.float32) + 3 * i for i in range(3)]
    clips = []
    for seed in range(2):  # what is shared within a clip is drawn anew for the next
        np.random.seed(seed)
        clip = transform(dict(img=[level.copy() for _ in boxes], gt_bboxes=boxes))
        clips.append(clip['img'])
        assert (clip['img'][0] < 200).any()
        for image in clip['img'][1:]:
            np.testing.assert_array_equal(image, clip['img'][0])
    assert (clips[0][0] != clips[1][0]).any()


def test_it_is_registered():
    transform = TRANSFORMS.build(dict(type='RandomShadow', max_num=2))
    assert 'max_num=2' in repr(transform)


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(max_num=0), 'max_num must be at least 1, got 0'),
        (dict(gain=(0.5, 0.2)), r'gain must be a range within \[0, 1\]'),
        (dict(gain=(0.5, 1.2)), r'gain must be a range within \[0, 1\]'),
    ],
)
def test_settings_that_make_no_sense(options, words):
    with pytest.raises(ValueError, match=words):
        RandomShadow(**options)

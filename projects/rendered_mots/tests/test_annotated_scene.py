# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import Counter

import numpy as np
import pytest
from rendered_mots.annotated_scene import AnnotatedScene

from mmwsmots.fileio.mots_txt import MOTSObject, read_mots_txt
from mmwsmots.fileio.rle import mask_to_rle

SIZE = (414, 125)


def annotated(frame, track_id, mask):
    height, width = mask.shape
    class_id = track_id // 1000
    return MOTSObject(frame, track_id, class_id, height, width, mask_to_rle(mask))


@pytest.fixture
def people():
    """Two ellipses that walk, one box-like car, an ignore region; 1242 x 375."""
    rows, cols = np.mgrid[:375, :1242]
    objects = []
    for frame in range(4):
        for track_id, x in ((2000, 300 + 6 * frame), (2001, 420 - 6 * frame)):
            person = ((cols - x) / 25) ** 2 + ((rows - 230) / 70) ** 2 < 1
            objects.append(annotated(frame, track_id, person))
        car = (abs(cols - 800) < 90) & (abs(rows - 220) < 50)
        objects.append(annotated(frame, 1000, car))
        region = (abs(cols - 1100) < 60) & (abs(rows - 180) < 30)
        objects.append(annotated(frame, 10000, region))
    return objects


def test_masks_tracks_and_ignore_regions_are_the_annotated_ones(shared_data):
    path = shared_data / 'kitti_mots' / 'instances_txt' / '0014.txt'
    truth = read_mots_txt(path)
    native = (truth[0].width, truth[0].height)
    scene = AnnotatedScene(0, '0014', truth, 106, native)
    for frame in (0, 50):
        image, objects = scene.render(frame)
        assert image.shape == (native[1], native[0], 3)
        expected = [obj for obj in truth if obj.frame_id == frame]
        assert len(expected) > 3
        assert any(obj.class_id == 10 for obj in expected)
        assert objects == expected


def test_no_object_is_lost_at_half_size(shared_data):
    path = shared_data / 'kitti_mots' / 'instances_txt' / '0002.txt'
    truth = read_mots_txt(path)
    scene = AnnotatedScene(0, '0002', truth, 233, (621, 188))
    smallest = sorted(truth, key=lambda obj: obj.mask.sum())[:20]
    for frame in {obj.frame_id for obj in smallest}:
        masks = scene.masks(frame)
        ids = Counter(obj.track_id for obj in truth if obj.frame_id == frame)
        assert Counter(track_id for track_id, *_ in masks) == ids
        stack = np.stack([mask for *_, mask, _ in masks])
        assert stack.any((1, 2)).all()
        assert stack.sum(0).max() == 1


def test_a_frame_without_objects_is_a_picture_of_the_street(people):
    scene = AnnotatedScene(0, '0000', people, 8, SIZE)
    image, objects = scene.render(6)
    assert objects == []
    assert image.shape == (SIZE[1], SIZE[0], 3)
    assert image.std() > 15


def test_parts_show_within_a_silhouette(people):
    """An object is no flat patch: head, clothes and legs, or windows and lamps."""
    image, objects = AnnotatedScene(0, '0000', people, 4, SIZE).render(0)
    for obj in objects[:3]:
        pixels = image[obj.mask].astype(float)
        rows = np.nonzero(obj.mask)[0]
        thirds = np.quantile(rows, [1 / 3, 2 / 3])
        means = [pixels[part].mean(0) for part in (rows < thirds[0], rows > thirds[1])]
        assert pixels.std(0).mean() > 8
        assert np.abs(means[0] - means[1]).mean() > 3


def test_a_look_stays_with_the_identity(people):
    """The two people swap places in time, not clothes."""
    scene = AnnotatedScene(1, '0000', people, 4, SIZE)
    looks = []
    for frame in (0, 3):
        image, objects = scene.render(frame)
        by_id = {obj.track_id: image[obj.mask].astype(float) for obj in objects}
        looks.append({track: by_id[track].mean(0) for track in (2000, 2001)})
    for track, other in ((2000, 2001), (2001, 2000)):
        same = np.abs(looks[0][track] - looks[1][track]).mean()
        different = np.abs(looks[0][track] - looks[1][other]).mean()
        assert same < 0.5 * different


def test_shadows_touch_the_road_only(people, monkeypatch):
    scene = AnnotatedScene(0, '0000', people, 4, SIZE)
    image, objects = scene.render(0)
    monkeypatch.setattr(scene.street, 'shadow_strength', 0.0)
    bright, _ = scene.render(0)
    owned = np.any([obj.mask for obj in objects[:3]], 0)
    darker = (bright.astype(float) - image).mean(-1) > 10
    assert darker.sum() > 50
    assert (darker & owned).sum() < 0.15 * darker.sum()

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
from rendered_mots.procedural_scene import ProceduralScene


def fill_rate(mask):
    rows, cols = np.nonzero(mask)
    return len(rows) / ((np.ptp(rows) + 1) * (np.ptp(cols) + 1))


def test_masks_are_disjoint_and_within_the_frame(clip):
    for frame, (image, objects) in clip.items():
        assert image.shape == (128, 416, 3) and image.dtype == np.uint8
        masks = np.stack([obj.mask for obj in objects])
        assert masks.shape[1:] == (128, 416)
        assert masks.sum(0).max() == 1
        assert masks.any((1, 2)).all()
        assert all(obj.frame_id == frame for obj in objects)


def test_ids_belong_to_classes_and_do_not_repeat(clip):
    classes = set()
    for _, objects in clip.values():
        ids = [obj.track_id for obj in objects]
        assert len(set(ids)) == len(ids)
        assert all(obj.track_id // 1000 == obj.class_id for obj in objects)
        classes |= {obj.class_id for obj in objects}
    assert {1, 2} <= classes <= {1, 2, 10}


def test_an_object_moves_little_between_neighbouring_frames(scene):
    """A track is one object: its centre follows it from frame to frame."""
    previous = {}
    moves = []
    for frame in range(8, 12):
        centres = {}
        for obj in scene.render(frame)[1]:
            if obj.class_id != 10:
                centres[obj.track_id] = np.argwhere(obj.mask).mean(0)
        moves += [
            np.abs(centre - previous[track]).max()
            for track, centre in centres.items()
            if track in previous
        ]
        previous = centres
    assert len(moves) > 8
    assert np.median(moves) < 4
    assert np.max(moves) < 60


def test_objects_enter_leave_and_last():
    scene = ProceduralScene(1, '0003', 60, (208, 64))
    seen = [{o.track_id for o in scene.render(f)[1]} for f in (0, 20, 40, 59)]
    assert set.union(*seen) - seen[0], 'nothing enters'
    assert set.union(*seen) - seen[-1], 'nothing leaves'
    assert (seen[1] & seen[2]) - {10000}, 'nothing lasts'


def test_a_frame_does_not_depend_on_the_frames_before_it(clip):
    other = ProceduralScene(5, '0000', 20, (416, 128))
    image, objects = other.render(12)
    assert (image == clip[12][0]).all()
    assert objects == clip[12][1]


@pytest.mark.parametrize('seed, name', [(6, '0000'), (5, '0001')])
def test_another_seed_or_name_is_another_sequence(clip, seed, name):
    image, objects = ProceduralScene(seed, name, 20, (416, 128)).render(0)
    assert np.abs(image.astype(int) - clip[0][0]).mean() > 10
    assert objects != clip[0][1]


def test_a_longer_focal_length_shows_objects_larger(clip):
    scene = ProceduralScene(5, '0000', 20, (416, 128), focal_ratio=0.7)
    near = {obj.track_id: obj.mask.sum() for obj in scene.render(12)[1]}
    far = {obj.track_id: obj.mask.sum() for obj in clip[12][1]}
    both = near.keys() & far.keys() - {10000}
    assert both
    assert np.median([near[k] / far[k] for k in both]) > 1.2


def test_fill_rates_resemble_kitti():
    """Real means: 0.730 (car) and 0.518 (pedestrian)."""
    fills = {1: [], 2: []}
    for name in ('0000', '0001', '0002', '0003'):
        scene = ProceduralScene(2, name, 12, (416, 128))
        for frame in (0, 6, 11):
            for obj in scene.render(frame)[1]:
                if obj.class_id != 10 and obj.mask.sum() > 80:
                    fills[obj.class_id].append(fill_rate(obj.mask))
    assert min(len(values) for values in fills.values()) > 20
    assert 0.68 < np.mean(fills[1]) < 0.82
    assert 0.43 < np.mean(fills[2]) < 0.6


def test_a_look_lasts_over_the_track(clip):
    """An identity resembles itself a second later more than others of its class."""
    looks = {}
    for frame in (8, 16):
        image, objects = clip[frame]
        looks[frame] = {
            obj.track_id: np.median(image[obj.mask].astype(float), 0)
            for obj in objects
            if obj.class_id != 10 and obj.mask.sum() > 60
        }
    tracks = [track for track in looks[8] if track in looks[16]]
    assert len(tracks) >= 4
    same, different = [], []
    for a in tracks:
        for b in tracks:
            distance = np.abs(looks[8][a] - looks[16][b]).mean()
            (same if a == b else different).append(distance)
    assert np.median(same) < 0.5 * np.median(different)


def test_shadows_lie_outside_the_masks(scene, monkeypatch):
    """Without shadows the road is brighter, and hardly any object changes."""
    image, objects = scene.render(4)
    monkeypatch.setattr(scene.street, 'shadow_strength', 0.0)
    bright, same_objects = scene.render(4)
    assert objects == same_objects
    owned = np.any([obj.mask for obj in objects], 0)
    darker = (bright.astype(float) - image).mean(-1) > 12
    assert darker.sum() > 100
    # Soft edges, lens blur and JPEG let little of a shadow into a mask.
    assert (darker & owned).sum() < 0.12 * darker.sum()
    assert image[darker].mean() < bright[darker].mean() - 12


def test_a_mostly_hidden_object_becomes_an_ignore_region(monkeypatch):
    """An object stays annotated as long as a third of it shows."""
    import rendered_mots.procedural_scene as module

    scene = ProceduralScene(2, '0001', 20, (416, 128))

    def ids(share):
        monkeypatch.setattr(module, 'MIN_VISIBLE_SHARE', share)
        found = set()
        for frame in (0, 10, 19):
            found |= {
                (frame, o.track_id, o.mask.sum())
                for o in scene.render(frame)[1]
                if o.class_id != 10
            }
        return found

    everything, shown = ids(0.0), ids(1 / 3)
    assert shown < everything

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
import torch

from mmwsmots.apis import VideoTracker, init_mots_model
from tests.small_model import SIZE, small_config, track_by_mmdet

WIDTH, HEIGHT = SIZE


@pytest.fixture(scope='module')
def model(repo):
    torch.manual_seed(0)
    return init_mots_model(small_config(repo))


@pytest.fixture(scope='module')
def frames():
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (5, HEIGHT, WIDTH, 3), dtype=np.uint8))


def test_objects_at_the_frames_own_size(model, frames):
    tracker = VideoTracker(model, len(frames))
    results = [tracker.track(frame) for frame in frames]
    ids = {}
    for i, objects in enumerate(results):
        expected = track_by_mmdet(model, frames[i], i, 3)
        assert len(objects) == len(expected) > 0
        for j, obj in enumerate(objects):
            assert (obj.frame_id, obj.height, obj.width) == (i, HEIGHT, WIDTH)
            assert obj.class_id == expected.labels[j] + 1
            assert (obj.mask == expected.masks[j].numpy()).all()
            key = int(expected.instances_id[j])
            assert ids.setdefault(key, obj.track_id) == obj.track_id
    # Numbered 1, 2, ... within each class.
    for class_id in (1, 2):
        numbers = sorted(
            i - 1000 * class_id for i in ids.values() if i // 1000 == class_id
        )
        assert numbers == list(range(1, len(numbers) + 1))
    assert len(set(ids.values())) == len(ids)


def test_goes_on_from_a_saved_state(model, frames, tmp_path):
    tracker = VideoTracker(model, len(frames))
    expected = []
    for frame in frames:
        expected.append(tracker.track(frame))
        torch.save(tracker.state_dict(), tmp_path / f'{tracker.num_frames}.pth')
    for done in range(1, len(frames)):
        tracker = VideoTracker(model, len(frames))
        state = torch.load(tmp_path / f'{done}.pth', weights_only=True)
        tracker.load_state_dict(state)
        assert tracker.num_frames == done
        assert [tracker.track(frame) for frame in frames[done:]] == expected[done:]


def test_the_state_does_not_grow_with_the_video(model, frames):
    tracker = VideoTracker(model, 1000)
    sizes = []
    for _ in range(12):
        for frame in frames:
            tracker.track(frame)
        state = tracker.state_dict()
        sizes.append(len(state['numbering']['ids']))
        assert sizes[-1] == len(state['tracker']['memory']['ids'])
    window = model.tracker.num_frames_retain
    assert max(sizes) <= 6 * (window + 1)  # 6 detections a frame


def test_classes_without_a_number_in_the_text_are_named(repo):
    cfg = small_config(repo)
    cfg.test_dataloader.dataset.metainfo = dict(classes=('car', 'boat'))
    with pytest.raises(ValueError, match='the class boat; only car, pedestrian can be'):
        VideoTracker(init_mots_model(cfg), 1)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from mmwsmots.apis import VideoTracker, init_mots_model, set_classes
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


def test_any_classes_are_numbered_in_the_order_of_the_model(repo, frames):
    cfg = small_config(repo)
    set_classes(cfg, ('boat', 'car', 'лодка'))
    torch.manual_seed(0)
    model = init_mots_model(cfg)
    # Every detection has a mask.
    torch.nn.init.ones_(model.detector.roi_head.mask_head.conv_logits.bias)
    tracker = VideoTracker(model, 1)
    assert tracker.class_ids == {'boat': 1, 'car': 2, 'лодка': 3}
    sample = tracker.predict(frames[0])
    labels = sample.pred_track_instances.labels.tolist()
    objects = tracker.encode(sample.pred_track_instances)
    assert [obj.class_id for obj in objects] == [label + 1 for label in labels]
    assert len(objects) > 0


@pytest.fixture(scope='module')
def videos(frames):
    """A video and its mirror image, whose objects lie elsewhere."""
    return frames[:3], [frame[:, ::-1] for frame in frames[:3]]


def track_all(model, video):
    tracker = VideoTracker(model, len(video))
    return [tracker.track(frame) for frame in video]


def test_two_videos_on_one_model_in_turns_and_chunks(model, videos):
    alone = [track_all(model, video) for video in videos]
    assert alone[0] != alone[1]
    for length in (1, 2):  # of a chunk
        trackers = [VideoTracker(model, 3) for _ in videos]
        results = [[], []]
        for start in range(0, 3, length):
            for tracker, video, result in zip(trackers, videos, results):
                for frame in video[start : start + length]:
                    result.append(tracker.track(frame))
        assert results == alone


def test_two_videos_on_one_model_in_threads(model, videos):
    alone = [track_all(model, video) for video in videos]
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(track_all, model, videos[i % 2]) for i in range(4)]
        assert [job.result() for job in jobs] == alone * 2


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda frame: frame[..., 0], 'frame must be BGR'),
        (lambda frame: np.dstack([frame, frame[..., :1]]), 'frame must be BGR'),
        (lambda frame: frame / np.float32(255), 'float32'),
        (lambda frame: frame[:0], 'frame must be BGR'),
        (lambda frame: torch.from_numpy(frame), 'got Tensor'),
        (lambda frame: [frame, frame], 'got list'),
        (lambda frame: 'clip/000000.jpg', 'got str'),
        (lambda frame: None, 'the video has ended'),
        (lambda frame: frame[1:], r'size 96 x 63, the first'),
    ],
)
def test_what_is_no_frame_is_refused_and_changes_nothing(model, frames, spoil, message):
    tracker = VideoTracker(model, 3)
    first = tracker.track(frames[0])
    with pytest.raises(ValueError, match=message):
        tracker.track(spoil(frames[1]))
    assert [first, tracker.track(frames[1])] == track_all(model, frames[:2])


def test_a_view_of_a_frame_is_a_frame(model, frames):
    flipped = frames[0][:, ::-1]
    copied = np.ascontiguousarray(flipped)
    assert track_all(model, [flipped]) == track_all(model, [copied])


def test_a_model_without_a_tracker(repo):
    cfg = small_config(repo)
    cfg.model.tracker = None
    with pytest.raises(ValueError, match='no tracker'):
        VideoTracker(init_mots_model(cfg), 1)

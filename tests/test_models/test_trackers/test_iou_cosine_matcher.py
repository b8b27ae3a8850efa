# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.structures import InstanceData

from mmwsmots.compat import KalmanFilter
from mmwsmots.models.trackers import IoUCosineMatcher

X, Y = (1.0, 0.0), (0.0, 1.0)  # two looks with nothing in common
BOX, FAR = (10.0, 10.0, 30.0, 30.0), (200.0, 10.0, 220.0, 30.0)


def detections(*rows):
    """Rows of box, embedding and, if not 0, label."""
    rows = [(*row, 0)[:3] for row in rows]
    return InstanceData(
        bboxes=torch.tensor([row[0] for row in rows]).reshape(-1, 4).float(),
        embeds=torch.tensor([row[1] for row in rows]).reshape(len(rows), -1).float()
        if rows
        else torch.zeros(0, 2),
        labels=torch.tensor([row[2] for row in rows], dtype=torch.long),
        scores=torch.linspace(1, 0.9, len(rows)),
    )


def match(tracker, instances, frame_id):
    fields = instances.bboxes, instances.labels, instances.embeds
    return tracker.match(*fields, frame_id)


def track(tracker, frame_id, *rows):
    return match(tracker, detections(*rows), frame_id).tolist()


def shifted(box, dx, dy=0.0):
    return (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)


def similarity_by_hand(p, q):
    """IoU times cosine, two rows of box, embedding, label."""
    (x1, y1, x2, y2), (u1, v1, u2, v2) = p[0], q[0]
    inter = max(min(x2, u2) - max(x1, u1), 0) * max(min(y2, v2) - max(y1, v1), 0)
    union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - inter
    dot = sum(a * b for a, b in zip(p[1], q[1]))
    cos = dot / math.hypot(*p[1]) / math.hypot(*q[1])
    return inter / union * max(cos, 0)


def links_by_brute_force(sims):
    """Try every assignment of min(N, M) pairs; the least cost, then the gate."""
    rows, cols = sims.shape
    best, best_cost = None, math.inf
    if rows <= cols:
        options = (
            list(zip(range(rows), p)) for p in itertools.permutations(range(cols), rows)
        )
    else:
        options = (
            list(zip(p, range(cols))) for p in itertools.permutations(range(rows), cols)
        )
    for pairs in options:
        cost = sum(sims.max() - sims[pair] for pair in pairs)
        if cost < best_cost - 1e-9:
            best, best_cost = pairs, cost
    return {pair for pair in best if sims[pair] > 0}


def random_rows(rng, num, labels=2):
    rows = []
    for _ in range(num):
        x, y = rng.uniform(0, 25, 2)
        w, h = rng.uniform(10, 30, 2)
        box = (float(x), float(y), float(x + w), float(y + h))
        rows.append((box, tuple(rng.normal(size=3)), int(rng.integers(labels))))
    return rows


@pytest.mark.parametrize('threshold', [0.0, 0.15, 0.4])
@pytest.mark.parametrize('seed', range(12))
def test_links_by_brute_force(seed, threshold):
    rng = np.random.default_rng(seed)
    before = random_rows(rng, rng.integers(1, 6))
    after = random_rows(rng, rng.integers(1, 6))
    tracker = IoUCosineMatcher(match_sim_thr=threshold)
    assert track(tracker, 0, *before) == list(range(len(before)))
    ids = track(tracker, 1, *after)

    sims = np.array([[similarity_by_hand(p, q) for q in before] for p in after])
    for i, j in np.ndindex(*sims.shape):
        if after[i][2] != before[j][2] or sims[i, j] <= threshold:
            sims[i, j] = 0
    links = {(i, n) for i, n in enumerate(ids) if n < len(before)}
    assert links == links_by_brute_force(sims)
    new = [n for n in ids if n >= len(before)]
    assert new == list(range(len(before), len(before) + len(new)))


def test_best_total_not_greedy():
    # 0.74 + 0.54 beats the best single pair and its rest, 0.90 + 0.33.
    tracker = IoUCosineMatcher()
    track(tracker, 0, (BOX, X), (shifted(BOX, 4), X))
    assert track(tracker, 1, (shifted(BOX, 3), X), (shifted(BOX, 10), X)) == [0, 1]


def test_pairs_below_the_threshold_displace_no_link():
    # Similarities 0.6, 0.4 / 0.4, 0: the pairs of 0.4 have the larger total, but
    # neither is a link.
    tracker = IoUCosineMatcher(match_sim_thr=0.5)
    track(tracker, 0, (BOX, (1.0, 0.0, 0.0)), (BOX, (0.0, 1.0, 0.0)))
    first = (0.6, 0.4, math.sqrt(1 - 0.6**2 - 0.4**2))
    second = (0.4, 0.0, math.sqrt(1 - 0.4**2))
    assert track(tracker, 1, (BOX, first), (BOX, second)) == [0, 2]


def test_no_overlap_no_link():
    tracker = IoUCosineMatcher()
    track(tracker, 0, (BOX, X))
    assert track(tracker, 1, (FAR, X)) == [1]


def test_cosine_is_clamped_at_0():
    tracker = IoUCosineMatcher()
    track(tracker, 0, (BOX, X))
    assert track(tracker, 1, (BOX, (-1.0, 0.0)), (BOX, Y)) == [1, 2]


def test_no_link_between_classes():
    tracker = IoUCosineMatcher()
    track(tracker, 0, (BOX, X, 0))
    assert track(tracker, 1, (BOX, X, 1)) == [1]
    assert track(tracker, 2, (BOX, X, 1), (BOX, X, 0)) == [1, 0]


def test_threshold_is_exclusive():
    # IoU of a box and its half: exactly 0.5.
    half = (10.0, 10.0, 20.0, 30.0)
    for threshold, expected in ((0.5, [1]), (0.49, [0])):
        tracker = IoUCosineMatcher(match_sim_thr=threshold)
        track(tracker, 0, (BOX, X))
        assert track(tracker, 1, (half, X)) == expected


@pytest.mark.parametrize('candidates', ['last', 'window'])
@pytest.mark.parametrize('motion', ['none', 'kalman'])
@pytest.mark.parametrize('window', [1, 3, 10])
@pytest.mark.parametrize('empty_frames', [False, True])
def test_window_in_frames(candidates, motion, window, empty_frames):
    """Seen f frames ago: a candidate if and only if f <= window."""
    for gap, expected in ((window, [0]), (window + 1, [1])):
        tracker = IoUCosineMatcher(window, candidates=candidates, motion=motion)
        track(tracker, 0)
        track(tracker, 5, (BOX, X))
        if empty_frames:
            for frame_id in range(6, 5 + gap):
                assert track(tracker, frame_id) == []
        assert track(tracker, 5 + gap, (BOX, X)) == expected


def test_a_sighting_renews_the_window():
    tracker = IoUCosineMatcher(3)
    assert [track(tracker, t, (BOX, X)) for t in (0, 3, 6, 9)] == [[0]] * 4


def test_last_compares_with_the_last_observation_alone():
    between = (1.0, 1.0)
    tracker = IoUCosineMatcher(candidates='last')
    track(tracker, 0, (BOX, X))
    assert track(tracker, 1, (BOX, between)) == [0]
    assert track(tracker, 2, (BOX, Y)) == [0]
    assert track(tracker, 3, (BOX, X)) == [1]


def test_window_compares_with_the_best_observation():
    between = (1.0, 1.0)
    tracker = IoUCosineMatcher(3, candidates='window')
    track(tracker, 0, (BOX, X))
    assert track(tracker, 1, (BOX, between)) == [0]
    assert track(tracker, 2, (BOX, Y)) == [0]
    assert track(tracker, 3, (BOX, X)) == [0]  # frame 0 is 3 frames old
    # Both looks are within the window, but only one detection may have the id.
    assert sorted(track(tracker, 4, (BOX, X), (BOX, Y))) == [0, 1]

    tracker = IoUCosineMatcher(3, candidates='window')
    track(tracker, 0, (BOX, X))
    track(tracker, 2, (BOX, (0.01, 1.0)))
    track(tracker, 3, (BOX, Y))
    assert track(tracker, 5, (BOX, X, 0)) == [0]  # 0.01 of frame 2
    tracker.reset()
    track(tracker, 0, (BOX, X))
    track(tracker, 1, (BOX, between))
    track(tracker, 2, (BOX, Y))
    for frame_id in (3, 4):
        track(tracker, frame_id, (BOX, Y))
    assert track(tracker, 5, (BOX, X)) == [1]  # frames 0 and 1 are forgotten


@pytest.mark.parametrize('seed', range(4))
def test_window_takes_the_maximum_over_observations(seed):
    """One track of three random observations against brute force."""
    rng = np.random.default_rng(seed)
    looks = [tuple(rng.uniform(0.1, 1, 3)) for _ in range(3)]
    boxes = [shifted(BOX, dx) for dx in rng.uniform(-8, 8, 3).tolist()]
    query = (BOX, (1.0, 0.2, 0.2))
    sims = [similarity_by_hand(query, row) for row in zip(boxes, looks)]
    for threshold, expected in ((max(sims) - 1e-4, [0]), (max(sims) + 1e-4, [1])):
        tracker = IoUCosineMatcher(candidates='window')
        for frame_id, row in enumerate(zip(boxes, looks)):
            assert track(tracker, frame_id, row) == [0]
        tracker.match_sim_thr = threshold
        assert track(tracker, 3, query) == expected


def test_motion_none_uses_the_old_box():
    tracker = IoUCosineMatcher(motion='none')
    for frame_id in range(3):
        track(tracker, frame_id, (shifted(BOX, 10 * frame_id), X))
    assert track(tracker, 6, (shifted(BOX, 60), X)) == [1]


@pytest.mark.parametrize('candidates', ['last', 'window'])
def test_motion_follows_a_moving_box(candidates):
    tracker = IoUCosineMatcher(candidates=candidates, motion='kalman')
    for frame_id in range(8):
        box = shifted(BOX, 10 * frame_id, 2 * frame_id)
        assert track(tracker, frame_id, (box, X)) == [0]
    # Five frames unseen: the old box is 60 pixels away.
    assert track(tracker, 13, (shifted(BOX, 130, 26), X)) == [0]


def test_kalman_is_that_of_mmdet():
    def measurement(box):
        w, h = box[2] - box[0], box[3] - box[1]
        return np.array([box[0] + w / 2, box[1] + h / 2, w / h, h])

    boxes = {0: BOX, 1: shifted(BOX, 6), 2: shifted(BOX, 11, 1), 5: shifted(BOX, 25, 4)}
    kf = KalmanFilter()
    mean, cov = kf.initiate(measurement(boxes[0]))
    tracker = IoUCosineMatcher(motion='kalman')
    track(tracker, 0, (BOX, X))
    for frame_id in range(1, 8):
        mean, cov = kf.predict(mean, cov)
        if frame_id in boxes:
            assert track(tracker, frame_id, (boxes[frame_id], X)) == [0]
            mean, cov = kf.update(mean, cov, measurement(boxes[frame_id]))
        elif frame_id == 3:
            track(tracker, frame_id)  # an empty frame; frames 4 and 6 are skipped
    tracker.match_sim_thr = 0.999
    x, y, ratio, height = mean[:4]
    half_width = ratio * height / 2
    expected = (x - half_width, y - height / 2, x + half_width, y + height / 2)
    assert track(tracker, 7, (expected, X)) == [0]


@pytest.mark.parametrize('num_boxes', [1, 7])
def test_batch_kalman_filter_is_mmdets(num_boxes):
    from mmwsmots.models.trackers.batch_kalman_filter import BatchKalmanFilter

    rng = np.random.default_rng(0)
    one, batch = KalmanFilter(), BatchKalmanFilter()
    boxes = rng.uniform((0, 0, 0.3, 5), (1200, 370, 3, 200), (4, num_boxes, 4))
    expected = [one.initiate(box) for box in boxes[0]]
    states = batch.initiate(boxes[0])
    for measured in boxes[1:]:
        expected = [one.predict(*one.predict(*state)) for state in expected]
        states = batch.predict(*batch.predict(*states))
        for i, state in enumerate(expected):
            for actual, value in zip(batch.project(*states), one.project(*state)):
                np.testing.assert_allclose(actual[i], value, rtol=1e-12)
        expected = [one.update(*state, box) for state, box in zip(expected, measured)]
        states = batch.update(*states, measured)
        for i, (mean, covariance) in enumerate(expected):
            np.testing.assert_allclose(states[0][i], mean, rtol=1e-9)
            np.testing.assert_allclose(
                states[1][i], covariance, rtol=1e-9, atol=1e-9 * covariance.max()
            )


def test_parameters_of_each_class():
    tracker = IoUCosineMatcher([2, 5], match_sim_thr=[0.0, 0.6])
    both = (BOX, X, 0), (BOX, X, 1)
    assert track(tracker, 0, *both) == [0, 1]
    assert track(tracker, 3, *both) == [2, 1]  # 3 frames: too long for class 0
    near = shifted(BOX, 5)  # IoU 0.6
    assert track(tracker, 4, (near, X, 0), (shifted(BOX, 5.1), X, 1)) == [2, 3]
    with pytest.raises(ValueError, match=r'values for 2 classes, .* the label 2'):
        track(tracker, 5, (BOX, X, 2))
    assert track(tracker, 5, (near, X, 0)) == [2]


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_saved_state_goes_on_as_if_nothing_happened(data):
    options = dict(
        num_frames_retain=data.draw(st.integers(1, 6)),
        candidates=data.draw(st.sampled_from(['last', 'window'])),
        motion=data.draw(st.sampled_from(['none', 'kalman'])),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    tracker, other = IoUCosineMatcher(**options), IoUCosineMatcher(**options)
    for frame_id in range(20):
        rows = random_rows(rng, rng.integers(0, 8))
        if rng.random() < 0.3:
            state = other.state_dict()
            track(other, frame_id, *random_rows(rng, 3))  # must not reach the state
            other = IoUCosineMatcher(**options)
            other.load_state_dict(state)
        assert track(other, frame_id, *rows) == track(tracker, frame_id, *rows)


def test_frame_0_starts_a_new_video():
    tracker = IoUCosineMatcher()
    track(tracker, 0, (BOX, X), (FAR, X))
    track(tracker, 1, (BOX, X))
    assert track(tracker, 0, (FAR, X)) == [0]
    assert track(tracker, 1, (BOX, X), (FAR, X)) == [1, 0]


def test_reset_starts_a_video_at_any_frame():
    tracker = IoUCosineMatcher()
    track(tracker, 7, (BOX, X))
    tracker.reset()
    assert track(tracker, 3, (FAR, X)) == [0]


@pytest.mark.parametrize('frame_id', [4, 3, 1, -1])
def test_frames_out_of_order(frame_id):
    tracker = IoUCosineMatcher()
    track(tracker, 4, (BOX, X))
    with pytest.raises(ValueError, match=f'frame_id {frame_id} does not follow 4'):
        track(tracker, frame_id, (BOX, X))
    assert track(tracker, 5, (BOX, X)) == [0]  # nothing was touched


@pytest.mark.parametrize('motion', ['none', 'kalman'])
@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_not_a_number_is_similar_to_nothing(motion, value):
    bad_look, bad_box = (value, 1.0), (10.0, 10.0, value, 30.0)
    flat, inverted = (10.0, 10.0, 30.0, 10.0), (30.0, 30.0, 10.0, 10.0)
    tracker = IoUCosineMatcher(motion=motion)
    rows = [(BOX, X), (BOX, bad_look), (bad_box, X), (flat, Y), (inverted, Y)]
    assert track(tracker, 0, *rows) == [0, 1, 2, 3, 4]
    assert track(tracker, 1, *rows) == [0, 5, 6, 7, 8]
    assert track(tracker, 3, (BOX, X)) == [0]


def test_arrays_and_tensors_give_the_same_ids():
    tracker = IoUCosineMatcher()
    track(tracker, 0, (FAR, X), (BOX, X))
    instances = detections((BOX, X), (FAR, X))
    expected = {name: value.clone() for name, value in instances.items()}
    ids = match(tracker, instances, 1)
    assert ids.dtype == torch.int64 and ids.tolist() == [1, 0]
    assert set(instances.keys()) == set(expected)
    assert all(torch.equal(instances[name], expected[name]) for name in expected)
    arrays = [instances[name].numpy() for name in ('bboxes', 'labels', 'embeds')]
    assert tracker.match(*arrays, 2).tolist() == [1, 0]


def test_memory_is_not_the_callers_tensor():
    tracker = IoUCosineMatcher()
    instances = detections((BOX, X))
    match(tracker, instances, 0)
    instances.bboxes *= 10
    instances.embeds *= -1
    assert track(tracker, 1, (BOX, X)) == [0]


def test_embeddings_with_gradient_and_half_precision():
    tracker = IoUCosineMatcher()
    for frame_id in range(2):
        instances = detections((BOX, X))
        instances.embeds = instances.embeds.half().requires_grad_()
        assert match(tracker, instances, frame_id).tolist() == [0]


@pytest.mark.parametrize('candidates', ['last', 'window'])
@pytest.mark.parametrize('motion', ['none', 'kalman'])
def test_memory_is_bounded_by_the_window(candidates, motion):
    tracker = IoUCosineMatcher(5, candidates=candidates, motion=motion)
    for frame_id in range(40):
        # One object for good, one in each frame that never comes back.
        new = shifted(FAR, 100 * frame_id)
        assert 0 in track(tracker, frame_id, (BOX, X), (new, Y))
        # The object for good and the new ones of the window.
        assert len(tracker.memory['ids']) <= 6
        kept = {'last': 1, 'window': 5}[candidates]
        for item in ('bboxes', 'embeds', 'frame_ids'):
            assert tracker.memory[item].shape[1] == kept
    for frame_id in range(40, 45):
        assert tracker.memory
        track(tracker, frame_id)
    assert not tracker.memory


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_invariants_of_long_sequences(data):
    tracker = IoUCosineMatcher(
        num_frames_retain=data.draw(st.integers(1, 6)),
        match_sim_thr=data.draw(st.sampled_from([0.0, 0.3])),
        candidates=data.draw(st.sampled_from(['last', 'window'])),
        motion=data.draw(st.sampled_from(['none', 'kalman'])),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    frame_id, last_seen, label_of, num_ids = 0, {}, {}, 0
    for _ in range(60):
        rows = random_rows(rng, rng.integers(0, 8), labels=3)
        ids = track(tracker, frame_id, *rows)
        assert len(set(ids)) == len(ids) == len(rows)
        new = [i for i in ids if i >= num_ids]
        assert new == list(range(num_ids, num_ids + len(new)))  # no reuse, no gap
        num_ids += len(new)
        for i, row in zip(ids, rows):
            if i in last_seen:
                assert frame_id - last_seen[i] <= tracker.num_frames_retain
            assert label_of.setdefault(i, row[2]) == row[2]
            last_seen[i] = frame_id
        if tracker.memory:
            last_frame_ids = tracker.memory['frame_ids'][:, -1]
            assert (frame_id - last_frame_ids < tracker.num_frames_retain).all()
        frame_id += int(rng.integers(1, 4))


@pytest.mark.parametrize(
    'kwargs, match',
    [
        (dict(num_frames_retain=0), 'num_frames_retain must be >= 1'),
        (dict(num_frames_retain=[5, 0]), r'must be >= 1, got \[5, 0\]'),
        (dict(num_frames_retain=2.5), 'num_frames_retain must be >= 1, got 2.5'),
        (dict(match_sim_thr=-0.1), r'match_sim_thr must be in \[0, 1\)'),
        (dict(match_sim_thr=[0.1, 1]), r'must be in \[0, 1\), got \[0.1, 1\]'),
        (dict(candidates='all'), "candidates must be 'last' or 'window', got 'all'"),
        (dict(motion='flow'), "motion must be .* got 'flow'"),
    ],
)
def test_unknown_option(kwargs, match):
    with pytest.raises(ValueError, match=match):
        IoUCosineMatcher(**kwargs)


@pytest.mark.parametrize('name', ['bboxes', 'labels', 'embeds'])
def test_names_the_bad_shape(name):
    tracker = IoUCosineMatcher()
    instances = detections((BOX, X))
    instances[name] = instances[name][..., None]
    shape = str(tuple(instances[name].shape)).replace('(', r'\(').replace(')', r'\)')
    with pytest.raises(ValueError, match=f'{name} {shape}'):
        match(tracker, instances, 0)
    with pytest.raises(ValueError, match=r'labels \(1,\), embeds \(2, 2\)'):
        tracker.match(np.array([BOX]), np.zeros(1, int), np.ones((2, 2)), 0)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
from frame_errors import find_errors
from sequence_table import COUNT_KEYS

from mmwsmots.evaluation import evaluate_sequences
from mmwsmots.fileio.mots_txt import read_mots_txt, write_mots_txt
from tests.damage import lively

LENGTHS = {'0012': 78, '0014': 106}


@pytest.fixture
def errors_of(tmp_path):
    def run(gt, results, length, **kwargs):
        write_mots_txt(tmp_path / 'gt/0000.txt', gt)
        write_mots_txt(tmp_path / 'results/0000.txt', results)
        return find_errors(
            tmp_path / 'gt', tmp_path / 'results', '0000', length, **kwargs
        )

    return run


def test_case_by_hand(make_object, errors_of):
    gt = [make_object(t, 1001, (0, 0, 4, 4)) for t in range(4)]
    gt.append(make_object(3, 10000, (10, 0, 20, 10)))
    results = [
        make_object(0, 7, (0, 0, 4, 3), cls=1),
        make_object(1, 7, (8, 0, 12, 4), cls=1),
        make_object(2, 8, (0, 0, 4, 4), cls=1),
        make_object(3, 8, (0, 0, 4, 4), cls=1),
        make_object(3, 9, (12, 0, 16, 4), cls=2),
    ]
    frames = errors_of(gt, results, 5)
    assert [frame.frame_id for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].matches == [(gt[0], results[0], 0.75, None)]
    assert (frames[1].misses, frames[1].false_positives) == ([gt[1]], [results[1]])
    # The id before the gap was 7.
    assert frames[2].matches == [(gt[2], results[2], 1.0, 7)]
    assert frames[3].matches == [(gt[3], results[3], 1.0, None)]
    assert frames[3].ignored == [results[4]]
    assert not any(frames[4][1:])
    assert frames[2].count() == dict(TP=1, FP=0, FN=0, IDS=1)
    assert frames[2].count(class_id=2) == dict(TP=0, FP=0, FN=0, IDS=0)


def test_pairs_of_the_frame_before_go_first(make_object, errors_of):
    """Two results overlap the truth by half: the one that had it keeps it."""
    gt = [make_object(t, 1001, (0, 0, 4, 4)) for t in range(2)]
    old = [make_object(t, 1, (0, 0, 4, 2), cls=1) for t in range(2)]
    new = make_object(1, 2, (0, 2, 4, 4), cls=1)
    frames = errors_of(gt, [old[0], new, old[1]], 2)
    assert frames[1].matches == [(gt[1], old[1], 0.5, None)]
    assert frames[1].false_positives == [new]
    strict = errors_of(gt, [old[0], new, old[1]], 2, protocol='mots_tools')
    assert strict[0].misses == gt[:1] and strict[0].matches == []


def test_empty_masks_are_false_positives(make_object, errors_of):
    empty = [make_object(0, i, (0, 0, 0, 0), cls=1) for i in (1, 2)]
    found = make_object(0, 3, (0, 0, 4, 4), cls=1)
    frames = errors_of([make_object(0, 1001, (0, 0, 4, 4))], [*empty, found], 1)
    assert frames[0].false_positives == empty
    assert len(frames[0].matches) == 1


@pytest.mark.parametrize('protocol', ['trackeval', 'mots_tools'])
def test_counts_are_those_of_trackeval(shared_data, tmp_path, protocol):
    gt_dir = shared_data / 'kitti_mots' / 'instances_txt'
    num_ignored = 0
    for seed, name in enumerate(LENGTHS):
        gt = read_mots_txt(gt_dir / f'{name}.txt')
        write_mots_txt(tmp_path / f'{name}.txt', lively(gt, seed))
    _, scores = evaluate_sequences(gt_dir, tmp_path, LENGTHS, protocol=protocol)
    for name, length in LENGTHS.items():
        frames = find_errors(gt_dir, tmp_path, name, length, protocol)
        num_ignored += sum(len(frame.ignored) for frame in frames)
        for class_id, class_name in ((1, 'car'), (2, 'pedestrian')):
            counts = [frame.count(class_id) for frame in frames]
            for key in COUNT_KEYS:
                total = sum(count[key] for count in counts)
                assert total == scores[name][class_name][key], (name, key)
            if class_name == 'car':
                assert all(scores[name][class_name][key] > 0 for key in COUNT_KEYS)
        # Every object has one place.
        results = read_mots_txt(tmp_path / f'{name}.txt', check_ids=False)
        placed = [match.result for frame in frames for match in frame.matches]
        placed += [o for f in frames for o in (*f.false_positives, *f.ignored)]
        assert sorted(placed) == sorted(results)
    assert num_ignored > 0


def test_bad_input_is_named(make_object, errors_of, tmp_path):
    good = [make_object(0, 1001, (0, 0, 4, 4))]
    with pytest.raises(ValueError, match=r'results/0000\.txt, line 1: frame 3 lies'):
        errors_of(good, [good[0]._replace(frame_id=3)], 2)
    with pytest.raises(ValueError, match=r"got 'coco'"):
        errors_of(good, good, 1, protocol='coco')
    with pytest.raises(FileNotFoundError, match=r'0009\.txt: no ground truth'):
        find_errors(tmp_path / 'gt', tmp_path / 'results', '0009', 1)

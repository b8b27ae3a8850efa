# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Classes of any name and number, against TrackEval's own two classes."""

import numpy as np
import pytest
from evaluation_options import evaluate_filled_boxes
from frame_errors import find_errors

from mmwsmots.evaluation import evaluate_mots
from mmwsmots.fileio.mots_txt import write_mots_txt

STREET = ('person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck')
LENGTHS = {'a': 6, 'b': 4}


def random_objects(make_object, class_ids, seed):
    """Boxes of some classes that wander, one column of the frame for each track."""
    rng = np.random.default_rng(seed)
    objects = []
    for track in range(4):
        class_id = class_ids[track % len(class_ids)]
        for frame in range(4):
            if rng.random() < 0.8:
                left, top = 5 * track, rng.integers(0, 3)
                box = left, top, left + 4, top + rng.integers(4, 7)
                track_id = 1000 * class_id + track
                objects.append(make_object(frame, track_id, box, cls=class_id))
    return objects


def renumber(objects, numbers):
    return [
        obj._replace(
            class_id=numbers[obj.class_id],
            track_id=1000 * numbers[obj.class_id] + obj.track_id % 1000,
        )
        for obj in objects
    ]


@pytest.fixture
def files(make_object, tmp_path):
    """Write ground truth and results with some class numbers and labels."""

    def write(folder, numbers, labels=None):
        for kind in ('gt', 'results'):
            for seed, name in enumerate(LENGTHS):
                objects = random_objects(make_object, (1, 2), seed + 9 * (kind == 'gt'))
                path = tmp_path / folder / kind / f'{name}.txt'
                write_mots_txt(path, renumber(objects, numbers[kind]))
            if labels is not None:
                text = ''.join(f'{label}\n' for label in labels[kind])
                (path.parent / 'labels.txt').write_text(text, encoding='utf-8')
        return tmp_path / folder / 'gt', tmp_path / folder / 'results'

    return write


SAME = {1: 1, 2: 2}


@pytest.mark.parametrize('function', [evaluate_mots, evaluate_filled_boxes])
def test_other_names_give_the_same_numbers(files, function):
    def rows(*args, **kwargs):
        scores = function(*args, LENGTHS, **kwargs)
        return scores if function is evaluate_mots else scores[0]

    expected = rows(*files('kitti', dict(gt=SAME, results=SAME)))
    assert expected['car']['TP'] > 0 and expected['pedestrian']['TP'] > 0
    # Without labels.txt the classes count from 1 in the order of the command line.
    plain = files('plain', dict(gt={1: 2, 2: 5}, results={1: 2, 2: 5}))
    scores = rows(*plain, classes=STREET)
    assert list(scores) == list(STREET)
    assert scores['bicycle'] == expected['car']
    assert scores['bus'] == expected['pedestrian']
    assert scores['truck']['TP'] + scores['truck']['FN'] + scores['truck']['FP'] == 0
    # With it, names decide, in ground truth and in results.
    named = files(
        'named',
        dict(gt={1: 3, 2: 1}, results={1: 1, 2: 2}),
        dict(gt=['Kite', 'bus', 'лодка'], results=['лодка', 'kite']),
    )
    scores = rows(*named)
    assert list(scores) == ['Kite', 'bus', 'лодка']
    assert scores['лодка'] == expected['car']
    assert scores['Kite'] == expected['pedestrian']
    assert rows(*named, classes=['лодка']) == {'лодка': expected['car']}


def test_frame_errors_of_any_classes_add_up(files):
    gt, results = files(
        'named',
        dict(gt={1: 11, 2: 12}, results={1: 1, 2: 2}),
        dict(
            gt=[*'abcdefghi', 'ignore', 'boat', 'kite'],
            results=['boat', 'kite'],
        ),
    )
    scores = evaluate_mots(gt, results, LENGTHS)
    for key in ('TP', 'FP', 'FN', 'IDS'):
        counted = sum(
            frame.count()[key]
            for name, length in LENGTHS.items()
            for frame in find_errors(gt, results, name, length)
        )
        assert counted == sum(row[key] for row in scores.values())


def test_a_class_that_the_ground_truth_does_not_have(files):
    numbers = dict(gt=SAME, results=SAME)
    gt, results = files('named', numbers, dict.fromkeys(numbers, ('boat', 'kite')))
    with pytest.raises(
        ValueError, match=r"labels\.txt of .* no class 'boats', did .*'boat'"
    ):
        evaluate_mots(gt, results, LENGTHS, classes=['boats'])


def test_a_number_without_a_name(files):
    numbers = dict(gt=SAME, results={1: 1, 2: 3})
    gt, results = files('named', numbers, dict.fromkeys(numbers, ('boat', 'kite')))
    with pytest.raises(ValueError, match=r'results/a\.txt, line \d+: .*class 3'):
        evaluate_mots(gt, results, LENGTHS)


def test_results_of_other_classes_stop(files):
    """Their labels.txt names none of the ground truth's; 0.00 would say nothing."""
    labels = dict(gt=['boat', 'barge'], results=['bus', 'tram'])
    gt, results = files('other', dict(gt={1: 1, 2: 2}, results={1: 1, 2: 2}), labels)
    with pytest.raises(
        ValueError, match=r'a\.txt: its labels\.txt names bus, tram, an'
    ):
        evaluate_mots(gt, results, LENGTHS)

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import contextlib
import io
import json
import sys

import numpy as np
import pytest
import trackeval
from evaluation_options import format_json

from mmwsmots.evaluation import (
    evaluate_mots,
    evaluate_sequences,
    filled_boxes,
    format_table,
    mots_eval,
)
from mmwsmots.evaluation.mots_eval import SCORES
from mmwsmots.fileio.mots_txt import read_mots_txt, read_seqmap, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle
from tests.damage import damage


def write(folder, objects, name='0000'):
    write_mots_txt(folder / f'{name}.txt', objects)
    return folder


@pytest.fixture
def evaluate(tmp_path):
    def run(gt, results, length=10, **kwargs):
        gt, results = write(tmp_path / 'gt', gt), write(tmp_path / 'results', results)
        return evaluate_mots(gt, results, {'0000': length}, **kwargs)

    return run


def test_case_by_hand(make_object, evaluate):
    # A car over four frames, 4 x 4 = 16 pixels: matched with IoU 12 / 16, 16 / 16,
    # missed, matched with 12 / 20 by another track.
    gt = [make_object(t, 1001, (0, 0, 4, 4)) for t in range(4)]
    results = [
        make_object(0, 7, (0, 0, 4, 3), cls=1),
        make_object(1, 7, (0, 0, 4, 4), cls=1),
        make_object(2, 7, (8, 0, 12, 4), cls=1),  # false positive
        make_object(3, 8, (0, 1, 4, 5), cls=1),
    ]
    # A pedestrian that is found in one frame of two.
    gt += [make_object(t, 2001, (10, 5, 12, 9)) for t in range(2)]
    results += [make_object(0, 9, (10, 5, 12, 9), cls=2)]
    scores = evaluate(gt, results)
    car = scores['car']
    sum_iou = 12 / 16 + 1 + 12 / 20
    assert (car['TP'], car['FP'], car['FN'], car['IDS']) == (3, 1, 1, 1)
    assert car['MOTSP'] == pytest.approx(100 * sum_iou / 3)
    assert car['MOTSA'] == pytest.approx(100 * (3 - 1 - 1) / 4)
    assert car['sMOTSA'] == pytest.approx(100 * (sum_iou - 1 - 1) / 4)
    # Best one-to-one pairing of tracks: 7 with 1001, two frames of 3 and 4; 8 is FP.
    assert car['IDF1'] == pytest.approx(100 * 2 * 2 / (4 + 4))
    assert car['share_above_half'] == 0.75
    person = scores['pedestrian']
    assert (person['TP'], person['FP'], person['FN'], person['IDS']) == (1, 0, 1, 0)
    assert person['MOTSP'] == 100
    assert person['sMOTSA'] == person['MOTSA'] == 50
    # At each threshold DetA = 1 / 2 and AssA = 1 / 2, so HOTA = 1 / 2.
    assert person['HOTA'] == pytest.approx(50)


@pytest.mark.parametrize('protocol, matches', [('trackeval', 1), ('mots_tools', 0)])
def test_iou_of_exactly_one_half(make_object, evaluate, protocol, matches):
    gt = [make_object(0, 1001, (0, 0, 4, 4))]
    results = [make_object(0, 1, (0, 0, 4, 2), cls=1)]
    car = evaluate(gt, results, protocol=protocol)['car']
    assert (car['TP'], car['FP'], car['FN']) == (matches, 1 - matches, 1 - matches)
    assert car['IDF1'] == 100 * matches
    above = [make_object(0, 1, (0, 0, 4, 3), cls=1)]
    assert evaluate(gt, above, protocol=protocol)['car']['TP'] == 1


def test_ignore_regions_swallow_false_positives(make_object, evaluate):
    gt = [make_object(0, 1001, (0, 0, 4, 4)), make_object(0, 10000, (10, 0, 20, 10))]
    match = make_object(0, 1, (0, 0, 4, 4), cls=1)
    inside = make_object(0, 2, (9, 0, 12, 4), cls=1)  # two thirds inside
    half = make_object(0, 3, (9, 6, 11, 9), cls=1)  # exactly half
    car = evaluate(gt, [match, inside, half])['car']
    assert (car['TP'], car['FP']) == (1, 1)


def test_foreground_ratio(make_object, evaluate):
    gt = [make_object(0, 1001, (0, 0, 4, 4))]
    cut = make_object(0, 1, (0, 0, 4, 4), cls=1)
    mask = cut.mask
    mask[0, 0] = False
    cut = cut._replace(rle=mask_to_rle(mask))
    results = [cut, make_object(0, 2, (10, 0, 14, 10), cls=1)]
    assert evaluate(gt, results)['car']['foreground_ratio'] == (15 / 16 + 1) / 2
    # Predicted boxes: 5 x 4 (5 pixels left of the frame are no area), 8 x 10.
    boxes = {'0000': np.array([[-5, 0, 5, 4], [10, 0, 18, 10]])}
    ratio = evaluate(gt, results, boxes=boxes)['car']['foreground_ratio']
    assert ratio == pytest.approx((15 / 20 + 40 / 80) / 2)


def test_nothing_found_and_nothing_to_find(make_object, evaluate):
    gt = [make_object(0, 1001, (0, 0, 4, 4))]
    empty = evaluate(gt, [])
    assert empty['car']['FN'] == 1
    assert np.isnan(empty['car']['foreground_ratio'])
    assert empty['pedestrian']['FN'] == empty['pedestrian']['FP'] == 0


def test_a_class_without_true_objects_has_no_scores(make_object, evaluate):
    """TrackEval says 0.00, as of a model that finds nothing that is there."""
    gt = [make_object(0, 1001, (0, 0, 4, 4))]
    stray = make_object(0, 2001, (8, 0, 12, 4), cls=2)
    rows = evaluate(gt, [*gt, stray])
    assert rows['car']['sMOTSA'] == rows['car']['HOTA'] == 100
    scores = {key: rows['pedestrian'][key] for key in SCORES}
    np.testing.assert_equal(scores, dict.fromkeys(SCORES, np.nan))
    assert (rows['pedestrian']['FP'], rows['pedestrian']['FN']) == (1, 0)
    table = format_table({'results': rows}).splitlines()
    cells = next(line for line in table if 'pedestrian' in line).split('|')[1:-1]
    assert [cell.strip() for cell in cells[2:]] == [*'---', '0', *'---', '1.000']
    assert table[-1] == 'no true objects of pedestrian, hence no scores'
    assert json.loads(format_json(rows))['pedestrian']['HOTA'] is None


@pytest.fixture(scope='module')
def damaged(shared_data, tmp_path_factory):
    """Real ground truth of two sequences and results made from it."""
    folder = tmp_path_factory.mktemp('results')
    gt = shared_data / 'kitti_mots' / 'instances_txt'
    lengths = {'0012': 78, '0017': 145}
    for name in lengths:
        write(folder, damage(read_mots_txt(gt / f'{name}.txt')), name)
    return gt, folder, lengths


def test_against_the_whole_of_trackeval(damaged, tmp_path):
    gt, results, lengths = damaged
    config = dict(
        GT_FOLDER=str(gt),
        GT_LOC_FORMAT='{gt_folder}/{seq}.txt',
        TRACKERS_FOLDER=str(results.parent),
        TRACKERS_TO_EVAL=[results.name],
        TRACKER_SUB_FOLDER='',
        OUTPUT_FOLDER=str(tmp_path),
        SEQ_INFO=lengths,
    )
    metrics = trackeval.metrics
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = trackeval.Evaluator(dict(PLOT_CURVES=False, TIME_PROGRESS=False))
        output, _ = evaluator.evaluate(
            [trackeval.datasets.KittiMOTS(config)],
            [metrics.HOTA(), metrics.CLEAR(), metrics.Identity()],
        )
    combined = output['KittiMOTS'][results.name]['COMBINED_SEQ']
    ours = evaluate_mots(gt, results, lengths)
    for name in ('car', 'pedestrian'):
        clear, hota = combined[name]['CLEAR'], combined[name]['HOTA']
        expected = dict(
            sMOTSA=100 * clear['sMOTA'],
            MOTSA=100 * clear['MOTA'],
            MOTSP=100 * clear['MOTP'],
            IDS=clear['IDSW'],
            TP=clear['CLR_TP'],
            FP=clear['CLR_FP'],
            FN=clear['CLR_FN'],
            HOTA=100 * hota['HOTA'].mean(),
            IDF1=100 * combined[name]['Identity']['IDF1'],
            share_above_half=clear['CLR_TP'] / (clear['CLR_TP'] + clear['CLR_FN']),
        )
        assert {key: ours[name][key] for key in expected} == expected
        assert expected['IDS'] > 0  # the case tests something
        assert expected['FN'] > 0
    together, single = evaluate_sequences(gt, results, lengths)
    assert together == ours
    for seq in lengths:
        for name in ('car', 'pedestrian'):
            scores = output['KittiMOTS'][results.name][seq][name]
            if scores['CLEAR']['CLR_TP'] + scores['CLEAR']['CLR_FN'] == 0:
                assert np.isnan(single[seq][name]['sMOTSA'])
                continue
            assert single[seq][name]['sMOTSA'] == 100 * scores['CLEAR']['sMOTA']
            assert single[seq][name]['TP'] == scores['CLEAR']['CLR_TP']
            assert single[seq][name]['IDS'] == scores['CLEAR']['IDSW']
            assert single[seq][name]['IDF1'] == 100 * scores['Identity']['IDF1']
            assert single[seq][name]['HOTA'] == 100 * scores['HOTA']['HOTA'].mean()


def mots_by_loop(gt, results, class_id):
    """sMOTSA, MOTSA and MOTSP from decoded masks, frame by frame."""
    frames = sorted({obj.frame_id for obj in gt + results})
    sum_iou = tp = fp = ids = 0
    last = {}
    for frame in frames:
        now = [obj for obj in gt if obj.frame_id == frame]
        truths = [obj for obj in now if obj.class_id == class_id]
        ignored = [obj.mask for obj in now if obj.class_id == 10]
        for found in results:
            if found.frame_id != frame or found.class_id != class_id:
                continue
            mask = found.mask
            for truth in truths:
                iou = (mask & truth.mask).sum() / (mask | truth.mask).sum()
                if iou > 0.5:
                    tp += 1
                    sum_iou += iou
                    ids += last.get(truth.track_id, found.track_id) != found.track_id
                    last[truth.track_id] = found.track_id
                    break
            else:
                inside = sum((mask & region).sum() for region in ignored)
                fp += inside <= 0.5 * mask.sum()
    total = sum(obj.class_id == class_id for obj in gt)
    return dict(
        sMOTSA=100 * (sum_iou - fp - ids) / total,
        MOTSA=100 * (tp - fp - ids) / total,
        MOTSP=100 * sum_iou / tp,
        IDS=ids,
        TP=tp,
        FP=fp,
    )


def test_against_a_loop_over_masks(damaged):
    gt, results, _ = damaged
    scores = evaluate_mots(gt, results, {'0012': 78}, protocol='mots_tools')
    files = read_mots_txt(gt / '0012.txt'), read_mots_txt(results / '0012.txt')
    for name, class_id in (('car', 1), ('pedestrian', 2)):
        expected = mots_by_loop(*files, class_id)
        assert {key: scores[name][key] for key in expected} == pytest.approx(expected)


def test_ground_truth_against_itself(damaged):
    gt, _, lengths = damaged
    for scores in evaluate_mots(gt, gt, lengths).values():
        for key in ('sMOTSA', 'MOTSA', 'MOTSP', 'HOTA', 'IDF1'):
            assert scores[key] == pytest.approx(100)
        assert scores['share_above_half'] == 1
        assert scores['IDS'] == scores['FP'] == scores['FN'] == 0


def test_filled_boxes_of_the_official_val_split(shared_data, tmp_path):
    """75.45 and 60.51 are known from another implementation."""
    gt = shared_data / 'kitti_mots' / 'instances_txt'
    lengths = read_seqmap(shared_data / 'kitti_mots' / 'seqmaps' / 'val.seqmap')
    for name in lengths:
        objects = read_mots_txt(gt / f'{name}.txt')
        objects = [obj for obj in objects if obj.class_id != 10]
        write(tmp_path, filled_boxes(objects), name)
    scores = evaluate_mots(gt, tmp_path, lengths, protocol='mots_tools')
    assert scores['car']['MOTSP'] == pytest.approx(75.45, abs=0.005)
    assert scores['pedestrian']['MOTSP'] == pytest.approx(60.51, abs=0.005)


def test_bad_input_is_named(make_object, evaluate, tmp_path):
    good = [make_object(0, 1001, (0, 0, 4, 4))]
    late = [*good, make_object(10, 1001, (0, 0, 4, 4))]
    beyond = 'line 2: frame 10 lies beyond the 10 frames'
    with pytest.raises(ValueError, match=rf'results/0000\.txt, {beyond}'):
        evaluate(good, late)
    with pytest.raises(ValueError, match=rf'gt/0000\.txt, {beyond}'):
        evaluate(late, good)
    small = [make_object(0, 1, (0, 0, 4, 4), cls=1, height=5)]
    with pytest.raises(ValueError, match=r'results/0000.*have the size 5 x 20, .*10 x'):
        evaluate(good, small)
    overlap = [*good, make_object(0, 1002, (3, 3, 5, 5))]
    with pytest.raises(ValueError, match=r'results/0000\.txt, line 2: .* overlaps'):
        evaluate(good, overlap)
    with pytest.raises(ValueError, match=r'gt/0000\.txt, line 1: id 7 does not belong'):
        evaluate([good[0]._replace(track_id=7)], good)
    message = 'sequence 0000 of .*gt and .*results: 1000000000 frames, no more than'
    with pytest.raises(ValueError, match=message):
        evaluate_mots(tmp_path / 'gt', tmp_path / 'results', {'0000': 10**9})
    with pytest.raises(ValueError, match=r"one of .*'mots_tools'.*, got 'coco'"):
        evaluate(good, good, protocol='coco')
    with pytest.raises(FileNotFoundError, match=r'0001\.txt: no ground truth for'):
        evaluate_mots(tmp_path / 'gt', tmp_path / 'results', {'0001': 3})
    write(tmp_path / 'gt', good, '0001')
    with pytest.raises(FileNotFoundError, match=r'0001\.txt: no results for'):
        evaluate_mots(tmp_path / 'gt', tmp_path / 'results', {'0001': 3})


def test_nothing_is_printed_or_left_behind(make_object, evaluate, tmp_path, capsys):
    evaluate([make_object(0, 1001, (0, 0, 4, 4))], [])
    assert capsys.readouterr().out == ''
    names = sorted(path.name for path in tmp_path.rglob('*'))
    assert names == ['0000.txt', '0000.txt', 'gt', 'results']


def test_what_is_rarely_meant_is_told(make_object, evaluate, monkeypatch):
    """An identity of two classes, and frames that may count from another one."""
    said = []
    monkeypatch.setattr(mots_eval, 'print_log', lambda text, *_: said.append(text))
    gt = [make_object(t, 1001, (0, 0, 4, 4)) for t in range(3)]
    results = [make_object(t, 7, (0, 0, 4, 4), cls=1) for t in range(3)]
    evaluate(gt, results)
    evaluate(gt[2:], results)
    evaluate(gt, results, classes=['car', 'pedestrian'])
    assert said == []
    results[1] = results[1]._replace(class_id=2)
    evaluate(gt, results)
    assert '0000.txt: id 7 is car in frame 0, pedestrian in 1; each cl' in said[0]
    evaluate(gt, results[2:])
    assert 'its first frame is 2, that of the ground truth 0; its frames' in said[1]
    assert len(said) == 2


def test_missing_trackeval_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'trackeval', None)
    parsed = 'mmwsmots.evaluation.parsed_kitti_mots'
    monkeypatch.delitem(sys.modules, parsed, raising=False)
    with pytest.raises(ModuleNotFoundError, match='pip install trackeval'):
        evaluate_mots(tmp_path, tmp_path, {})

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""MOTS20's rules, on synthetic data in its format and on its test server's code."""

import contextlib
import io
import json
import runpy
import sys

import cv2
import numpy as np
import pytest
import torch
import trackeval
from evaluation_options import evaluate_filled_boxes
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mots20_2coco import MOTS20_SPLITS

from mmwsmots.evaluation import evaluate_mots
from mmwsmots.fileio.mots_txt import read_mots_txt, sequence_name, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle
from tests.mots20_files import LENGTH, mots20_objects, write_mots20

NAMES = MOTS20_SPLITS['train']
LENGTHS = dict.fromkeys(NAMES, LENGTH)
ALL_RIGHT = dict(sMOTSA=100, MOTSA=100, MOTSP=100, HOTA=100, IDF1=100)


@pytest.fixture
def root(tmp_path):
    return write_mots20(tmp_path / 'MOTS20')


def damage(objects):
    """Results as a tracker makes them: eroded and lost masks, new ids, a false one."""
    results = []
    for number, obj in enumerate(objects):
        if obj.class_id == 10 or number % 5 == 4:
            continue
        mask = cv2.erode(obj.mask.astype(np.uint8), np.ones((3, 1 + number % 3)))
        track = obj.track_id + (50 if obj.frame_id == 2 else 0)
        results.append(obj._replace(track_id=track, rle=mask_to_rle(mask)))
    false, ignored = np.zeros((2, *objects[0].mask.shape), dtype=bool)
    false[0:6, 0:4] = True
    ignored[0:8, 54:62] = True  # in the ignore region of frame 1
    for track, class_id, mask in ((2099, 2, false), (2098, 2, ignored)):
        results.append(
            objects[0]._replace(
                frame_id=1, track_id=track, class_id=class_id, rle=mask_to_rle(mask)
            )
        )
    # A car, which is no concern of this benchmark.
    mask = np.zeros_like(false)
    mask[44:48, 0:4] = True
    return [
        *results,
        objects[0]._replace(track_id=1001, class_id=1, rle=mask_to_rle(mask)),
    ]


def write_results(folder, change):
    for number, name in enumerate(NAMES):
        objects = change(mots20_objects(number))
        write_mots_txt(folder / f'{name}.txt', objects, first_frame=1)
    return folder


def test_ground_truth_against_itself(root, tmp_path):
    results = write_results(tmp_path / 'results', list)
    scores = evaluate_mots(root / 'train', results, LENGTHS, benchmark='mots20')
    assert set(scores) == {'pedestrian'}
    row = scores['pedestrian']
    assert {key: row[key] for key in ALL_RIGHT} == pytest.approx(ALL_RIGHT)
    assert row['TP'] == 4 * 6
    assert row['FP'] == row['FN'] == row['IDS'] == 0
    boxed, _ = evaluate_filled_boxes(
        root / 'train', results, LENGTHS, benchmark='mots20'
    )
    assert 90 < boxed['pedestrian']['MOTSP'] < 100  # the masks lack a corner pixel


def test_against_the_whole_of_trackeval(root, tmp_path):
    results = write_results(tmp_path / 'trackers' / 'ours', damage)
    config = dict(
        GT_FOLDER=str(root / 'train'),
        TRACKERS_FOLDER=str(results.parent),
        TRACKERS_TO_EVAL=['ours'],
        TRACKER_SUB_FOLDER='',
        OUTPUT_FOLDER=str(tmp_path / 'out'),
        SEQ_INFO=dict.fromkeys(NAMES),  # it reads the lengths from seqinfo.ini
        SKIP_SPLIT_FOL=True,
    )
    metrics = trackeval.metrics
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = trackeval.Evaluator(dict(PLOT_CURVES=False, TIME_PROGRESS=False))
        output, _ = evaluator.evaluate(
            [trackeval.datasets.MOTSChallenge(config)],
            [metrics.HOTA(), metrics.CLEAR(), metrics.Identity()],
        )
    theirs = output['MOTSChallenge']['ours']['COMBINED_SEQ']['pedestrian']
    clear = theirs['CLEAR']
    ours = evaluate_mots(root / 'train', results, LENGTHS, benchmark='mots20')
    expected = dict(
        sMOTSA=100 * clear['sMOTA'],
        MOTSA=100 * clear['MOTA'],
        MOTSP=100 * clear['MOTP'],
        IDS=clear['IDSW'],
        TP=clear['CLR_TP'],
        FP=clear['CLR_FP'],
        FN=clear['CLR_FN'],
        HOTA=100 * theirs['HOTA']['HOTA'].mean(),
        IDF1=100 * theirs['Identity']['IDF1'],
    )
    assert {key: ours['pedestrian'][key] for key in expected} == expected
    # The case tests something: the ignore region swallows one of two false positives.
    assert expected['FP'] == 4 and expected['FN'] >= 4 and expected['IDS'] >= 4


def frame_sample(name, number, frame, split='train'):
    objects = [
        obj
        for obj in mots20_objects(number)
        if obj.frame_id == frame and obj.class_id == 2
    ]
    sample = DetDataSample(
        metainfo=dict(
            img_path=f'data/MOTS20/{split}/{name}/img1/{frame + 1:06d}.jpg',
            frame_id=frame,
            ori_video_length=LENGTH,
            ori_shape=(48, 64),
        )
    )
    boxes = []
    for obj in objects:
        ys, xs = obj.mask.nonzero()
        boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    sample.pred_track_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32),
        labels=torch.zeros(len(objects), dtype=torch.long),
        scores=torch.full((len(objects),), 0.9),
        instances_id=torch.tensor([obj.track_id + 5 for obj in objects]),
        masks=torch.from_numpy(np.stack([obj.mask for obj in objects])),
    )
    return sample


def run_metric(split='train', **kwargs):
    metric = METRICS.build(dict(type='MOTSMetric', benchmark='mots20', **kwargs))
    metric.dataset_meta = dict(classes=('pedestrian',))
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = metric.dataset_meta
    for number, name in enumerate(MOTS20_SPLITS[split]):
        for frame in range(LENGTH):
            track = TrackDataSample()
            track.video_data_samples = [frame_sample(name, number, frame, split)]
            evaluator.process([track], dict())
    return evaluator.evaluate(4 * LENGTH)


def test_metric_of_a_test_run(root, tmp_path):
    metrics = run_metric(gt_dir=str(root / 'train'), outfile_prefix=str(tmp_path / 'o'))
    assert metrics['pedestrian/sMOTSA'] == metrics['pedestrian/HOTA'] == 100
    assert metrics['filled_boxes/pedestrian/MOTSP'] < 100
    assert not any(key.startswith('car') for key in metrics)
    # Files as the test server takes them: frames from 1, class 2.
    first = (tmp_path / 'o' / 'MOTS20-02.txt').read_text().split()
    assert first[:5] == ['1', '2001', '2', '48', '64']


def test_the_test_split_is_written_and_not_evaluated(tmp_path):
    out = tmp_path / 'submit'
    assert run_metric('test', format_only=True, outfile_prefix=str(out)) == {}
    names = sorted(path.stem for path in out.iterdir())
    assert names == sorted(MOTS20_SPLITS['test'])
    objects = read_mots_txt(out / 'MOTS20-12.txt', first_frame=1)
    expected = [obj for obj in mots20_objects(3) if obj.class_id == 2]
    assert [obj.rle for obj in objects] == [obj.rle for obj in expected]
    assert [obj.frame_id for obj in objects] == [obj.frame_id for obj in expected]


@pytest.fixture
def eval_tool(repo, monkeypatch):
    path = repo / 'tools/analysis_tools/eval_mots.py'

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        runpy.run_path(str(path), run_name='__main__')

    return run


def test_eval_tool(eval_tool, root, tmp_path, capsys):
    results = write_results(tmp_path / 'results', damage)
    files = ('--gt', root / 'train', '--results', results, '--json', tmp_path / 'j')
    eval_tool(*files, '--benchmark', 'mots20', '--filled-boxes')
    files += ('--overwrite',)
    rows = json.loads((tmp_path / 'j').read_text())
    expected = evaluate_mots(root / 'train', results, LENGTHS, benchmark='mots20')
    assert rows['results'] == expected
    assert 'car' not in capsys.readouterr().out
    # A seqmap chooses among the sequences.
    seqmap = tmp_path / 'one.seqmap'
    seqmap.write_text(f'MOTS20-05 empty 000001 {LENGTH:06d}\n')
    eval_tool(*files, '--benchmark', 'mots20', '--seqmap', seqmap)
    one = json.loads((tmp_path / 'j').read_text())['results']['pedestrian']
    assert one['TP'] + one['FN'] == 6
    # MOTChallenge's seqmaps have the names alone, and seqinfo.ini the lengths.
    seqmap.write_text('name\nMOTS20-05\n')
    eval_tool(*files, '--benchmark', 'mots20', '--seqmap', seqmap)
    assert json.loads((tmp_path / 'j').read_text())['results']['pedestrian'] == one
    with pytest.raises(SystemExit, match='no ground truth SSSS'):
        eval_tool(*files)


def test_bad_input_is_named(root, tmp_path):
    results = write_results(tmp_path / 'results', list)
    gt = root / 'train'

    def evaluate(lengths=LENGTHS, benchmark='mots20'):
        evaluate_mots(gt, results, lengths, benchmark=benchmark)

    with pytest.raises(ValueError, match=r"benchmark must be one of .*, got 'mot20'"):
        evaluate(benchmark='mot20')
    path = results / 'MOTS20-05.txt'
    objects = mots20_objects(1)
    write_mots_txt(path, objects)
    with pytest.raises(ValueError, match=r'05\.txt, line 1: frame 0 lies before the f'):
        evaluate()
    late = objects[0]._replace(frame_id=LENGTH)
    write_mots_txt(path, [*objects, late], first_frame=1)
    with pytest.raises(
        ValueError, match=r'05\.txt, line 8: frame 5 lies beyond the 4 frames'
    ):
        evaluate()
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r'05\.txt: no results for sequence'):
        evaluate()
    (gt / 'MOTS20-05/gt/gt.txt').unlink()
    with pytest.raises(FileNotFoundError, match=r'gt/gt\.txt: no ground truth for'):
        evaluate()


def test_sequence_name():
    assert sequence_name('a/MOTS20-02/img1/000001.jpg') == 'MOTS20-02'
    assert sequence_name('a/image_02/0003/000001.png') == '0003'


def test_frame_numbers_of_text_files(tmp_path):
    objects = mots20_objects(0)
    write_mots_txt(tmp_path / 'gt.txt', objects, first_frame=1)
    frames = [line.split()[0] for line in (tmp_path / 'gt.txt').open()]
    assert frames == [str(obj.frame_id + 1) for obj in objects]
    assert read_mots_txt(tmp_path / 'gt.txt', first_frame=1) == objects

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import logging
import os
import re

import numpy as np
import pytest
import torch
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmwsmots.evaluation import evaluate_mots, filled_boxes
from mmwsmots.fileio.mots_txt import read_mots_txt, write_mots_txt
from tests.processes import run_processes

LENGTHS = {'0000': 3, '0001': 2}


def truth(make_object):
    """Ground truth: a car and a pedestrian in one video, a car in the other."""
    return {
        '0000': [
            obj
            for t in range(3)
            for obj in (
                make_object(t, 1001, (2 * t, 1, 2 * t + 6, 7)),
                make_object(t, 2001, (14, 2, 16, 8)),
            )
        ],
        '0001': [make_object(0, 1001, (0, 0, 5, 5))],
    }


# Predictions by video and frame: label, score, identity, mask box, predicted box.
PREDICTIONS = {
    ('0000', 0): [
        (0, 0.9, 40, (0, 2, 6, 7), (0.2, 0.9, 7.4, 6.8)),
        (1, 0.8, 41, (14, 2, 16, 8), (12.6, 1.7, 17.0, 12.0)),
        (0, 0.7, 42, (6, 7, 14, 10), (6.0, 5.0, 14.0, 10.0)),
    ],
    ('0000', 1): [(0, 0.9, 40, (2, 1, 8, 7), (2.0, 1.0, 8.0, 7.0))],
    ('0000', 2): [(0, 0.4, 42, (4, 1, 10, 6), (4.0, 1.0, 10.0, 7.0))],
    ('0001', 0): [(0, 0.9, 0, (0, 0, 4, 5), (0.0, 0.0, 5.0, 5.0))],
    ('0001', 1): [],
}


def frame_sample(name, frame, predictions=None, size=(10, 20)):
    if predictions is None:
        predictions = PREDICTIONS[name, frame]
    sample = DetDataSample(
        metainfo=dict(
            img_path=f'data/training/image_02/{name}/{frame:06d}.png',
            frame_id=frame,
            ori_video_length=LENGTHS[name],
            ori_shape=(10, 20),
        )
    )
    masks = torch.zeros((len(predictions), *size), dtype=torch.bool)
    for mask, (*_, (x1, y1, x2, y2), _) in zip(masks, predictions):
        mask[y1:y2, x1:x2] = True
    sample.pred_track_instances = InstanceData(
        bboxes=torch.tensor([p[4] for p in predictions]).reshape(-1, 4),
        labels=torch.tensor([p[0] for p in predictions], dtype=torch.long),
        scores=torch.tensor([p[1] for p in predictions]),
        instances_id=torch.tensor([p[2] for p in predictions], dtype=torch.long),
        masks=masks,
    )
    return sample


def track_sample(frames):
    sample = TrackDataSample()
    sample.video_data_samples = frames
    return sample


@pytest.fixture
def gt_dir(make_object, tmp_path):
    for name, objects in truth(make_object).items():
        write_mots_txt(tmp_path / 'gt' / f'{name}.txt', objects)
    return tmp_path / 'gt'


def build(**kwargs):
    metric = METRICS.build(dict(type='MOTSMetric', **kwargs))
    metric.dataset_meta = dict(classes=('car', 'pedestrian'))
    return metric


def run(metric, samples):
    """Feed samples as the test loop does."""
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = metric.dataset_meta
    for sample in samples:
        evaluator.process([sample], dict())
    return evaluator.evaluate(len(samples))


def by_frame():
    return [track_sample([frame_sample(*key)]) for key in PREDICTIONS]


def by_video():
    return [
        track_sample([frame_sample(name, t) for t in range(length)])
        for name, length in LENGTHS.items()
    ]


@pytest.mark.parametrize('samples', [by_frame, by_video])
def test_text_and_metrics(gt_dir, tmp_path, make_object, samples):
    out = tmp_path / 'out'
    metrics = run(build(gt_dir=str(gt_dir), outfile_prefix=str(out)), samples())
    expected = [
        make_object(0, 1001, (0, 2, 6, 7)),
        make_object(0, 2001, (14, 2, 16, 8)),
        make_object(0, 1002, (6, 7, 14, 10)),
        make_object(1, 1001, (2, 1, 8, 7)),
        make_object(2, 1002, (4, 1, 10, 6)),
    ]
    assert read_mots_txt(out / '0000.txt') == expected
    assert read_mots_txt(out / '0001.txt') == [make_object(0, 1001, (0, 0, 4, 5))]
    # By hand: cars with IoU 30/36, 36/36, 30/36 (another id) and 20/25, one FP.
    sum_iou = 30 / 36 + 1 + 30 / 36 + 20 / 25
    assert metrics['car/TP'] == 4
    assert metrics['car/FP'] == metrics['car/IDS'] == 1
    assert metrics['car/MOTSP'] == pytest.approx(100 * sum_iou / 4)
    assert metrics['car/sMOTSA'] == pytest.approx(100 * (sum_iou - 2) / 4)
    assert metrics['car/share_above_half'] == 1
    assert metrics['pedestrian/MOTSA'] == pytest.approx(100 / 3)
    # Mask over predicted box, the pedestrian's box clipped at the lower edge.
    ratio = np.mean([30 / (7.2 * 5.9), 24 / 40, 1, 30 / 36, 20 / 25])
    assert metrics['car/foreground_ratio'] == pytest.approx(ratio, rel=1e-5)
    ratio = 12 / ((17.0 - 12.6) * (10 - 1.7))
    assert metrics['pedestrian/foreground_ratio'] == pytest.approx(ratio, rel=1e-5)


def test_filled_boxes_row(gt_dir, tmp_path, make_object):
    metrics = run(build(gt_dir=str(gt_dir)), by_frame())
    # Frame 0 by hand: boxes rounded, the higher score in front.
    boxes = [(0, 1, 7, 7), (13, 2, 17, 10), (6, 5, 14, 10)]
    objects = [make_object(0, 1001, (0, 0, 1, 1)) for _ in boxes]
    first = filled_boxes(objects, np.array(boxes), [0.9, 0.8, 0.7])
    assert [obj.mask.sum() for obj in first] == [42, 32, 40 - 1 * 2 - 1 * 5]
    ids = (1001, 2001, 1002)
    filled = {
        '0000': [
            obj._replace(track_id=i, class_id=i // 1000) for obj, i in zip(first, ids)
        ]
        + [make_object(1, 1001, (2, 1, 8, 7)), make_object(2, 1002, (4, 1, 10, 7))],
        '0001': [make_object(0, 1001, (0, 0, 5, 5))],
    }
    for name, lines in filled.items():
        write_mots_txt(tmp_path / 'filled' / f'{name}.txt', lines)
    expected = evaluate_mots(gt_dir, tmp_path / 'filled', LENGTHS)
    for name, values in expected.items():
        for key, value in values.items():
            if key != 'foreground_ratio':  # there it needs the boxes
                assert metrics[f'filled_boxes/{name}/{key}'] == value
    ratio = np.mean([42 / (7.2 * 5.9), 33 / 40, 1, 1, 1])
    assert metrics['filled_boxes/car/foreground_ratio'] == pytest.approx(
        ratio, rel=1e-5
    )


def test_the_protocol_is_passed_on(gt_dir):
    # The prediction is half the ground truth of frame 0.
    half = [(0, 0.9, 1, (0, 1, 3, 7), (0.0, 1.0, 3.0, 7.0))]
    samples = [
        track_sample([frame_sample('0000', 0, half)]),
        *(track_sample([frame_sample('0000', t, [])]) for t in (1, 2)),
    ]
    for protocol, matches in (('trackeval', 1), ('mots_tools', 0)):
        metrics = run(build(gt_dir=str(gt_dir), protocol=protocol), samples)
        assert metrics['car/TP'] == matches


def test_format_only_needs_no_ground_truth(tmp_path):
    metric = build(format_only=True, outfile_prefix=str(tmp_path))
    assert run(metric, by_video()) == {}
    assert len(read_mots_txt(tmp_path / '0000.txt')) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ['0000.txt', '0001.txt']


def test_table_has_both_rows_for_each_class(gt_dir):
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    try:
        run(build(gt_dir=str(gt_dir)), by_video())
    finally:
        logger.removeHandler(handler)
    lines = [line for line in messages[-1].splitlines() if line.startswith('|')]
    cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines]
    assert cells[0][2:] == [
        *('sMOTSA', 'MOTSA', 'MOTSP', 'IDS', 'HOTA', 'IDF1'),
        *('share > 0.5', 'area / box'),
    ]
    assert [row[:2] for row in cells[1:]] == [
        ['car', 'model'],
        ['car', 'filled boxes'],
        ['pedestrian', 'model'],
        ['pedestrian', 'filled boxes'],
    ]


def test_repeated_frames_count_once(gt_dir):
    metric = build(gt_dir=str(gt_dir))
    assert run(metric, by_frame() + by_frame()[:2]) == run(metric, by_frame())


def test_more_than_999_tracks(tmp_path, monkeypatch):
    predictions = [(0, 0.5, 1, (0, 0, 1, 1), (0.0, 0.0, 1.0, 1.0))]
    samples = []
    monkeypatch.setitem(LENGTHS, 'long', 1100)
    for frame in range(1100):
        new = [(*predictions[0][:2], frame, *predictions[0][3:])]
        samples.append(track_sample([frame_sample('long', frame, new)]))
    run(build(format_only=True, outfile_prefix=str(tmp_path)), samples)
    objects = read_mots_txt(tmp_path / 'long.txt', check_ids=False)
    assert len({obj.track_id for obj in objects}) == 1100
    assert [obj.track_id for obj in objects[998:1000]] == [1999, 1_001_000]


def test_bad_input_is_named(gt_dir, tmp_path):
    metric = build(gt_dir=str(gt_dir))
    with pytest.raises(ValueError, match=r'sequence 0000: 1 of 3 frames .* first is 1'):
        run(metric, [by_frame()[0], *by_frame()[2:]])

    def process(*args, **kwargs):
        sample = track_sample([frame_sample('0000', 0, *args, **kwargs)])
        build(gt_dir=str(gt_dir)).process(dict(), [sample.to_dict()])

    box = (0.0, 0.0, 4.0, 4.0)
    twice = [(0, 0.9, 3, (0, 0, 4, 4), box), (0, 0.8, 3, (5, 0, 9, 4), box)]
    with pytest.raises(ValueError, match=r'0000/000000\.png: two objects share an id'):
        process(twice)
    overlap = [(0, 0.9, 3, (0, 0, 4, 4), box), (0, 0.8, 4, (3, 3, 9, 4), box)]
    with pytest.raises(ValueError, match=r'0000/000000\.png: masks overlap'):
        process(overlap)
    with pytest.raises(ValueError, match=r'000000\.png: masks of shape .* do not fit'):
        process(twice[:1], size=(5, 10))
    with pytest.raises(ValueError, match='gt_dir, the folder of ground truth, is miss'):
        build()
    with pytest.raises(ValueError, match='format_only needs outfile_prefix'):
        build(format_only=True)
    with pytest.raises(ValueError, match=r"one of .*, got 'coco'"):
        build(gt_dir=str(gt_dir), protocol='coco')
    metric = build(gt_dir=str(tmp_path / 'nowhere'))
    with pytest.raises(FileNotFoundError, match=r'0000\.txt: no ground truth'):
        run(metric, by_video())


def evaluate_on_rank(rank, folder, gt_dir):
    """One of two processes, each with one of the two videos."""
    os.chdir(folder)  # mmdet collects results through a folder in the current one
    return run(build(gt_dir=str(gt_dir)), by_video()[rank : rank + 1])


def test_two_processes_give_what_one_gives(gt_dir, tmp_path):
    results = run_processes(evaluate_on_rank, tmp_path, gt_dir)
    expected = run(build(gt_dir=str(gt_dir)), by_video())
    assert results == [expected, expected]


def test_any_classes_are_named_beside_the_results(gt_dir, tmp_path):
    """The same predictions of other names give what car and pedestrian give."""
    expected = run(build(gt_dir=str(gt_dir)), by_frame())
    out = tmp_path / 'out'
    metric = build(gt_dir=str(gt_dir), outfile_prefix=str(out))
    metric.dataset_meta = dict(classes=('лодка', 'kite'))
    scores = run(metric, by_frame())
    assert (out / 'labels.txt').read_text(encoding='utf-8') == 'лодка\nkite\n'
    names = dict(car='лодка', pedestrian='kite')
    renamed = {
        re.sub('car|pedestrian', lambda match: names[match[0]], key): value
        for key, value in expected.items()
    }
    assert scores == renamed


def test_frames_with_gaps_are_all_there_is(gt_dir):
    """Of a video of which frames 0 and 2 are annotated only these are evaluated."""
    frames = [frame_sample('0000', frame) for frame in (0, 2)]
    for frame in frames:
        frame.set_metainfo(dict(ori_video_length=2))
    scores = run(build(gt_dir=str(gt_dir)), [track_sample(frames)])
    assert scores['car/TP'] + scores['car/FN'] == 3  # those of the text file


def test_two_videos_in_one_folder_are_named(gt_dir):
    frames = [frame_sample('0001', frame) for frame in (0, 1)]
    frames[1].set_metainfo(dict(frame_id=0, img_path='b/0001/000001.png'))
    metric = build(gt_dir=str(gt_dir))
    with pytest.raises(ValueError, match=r'each video needs a folder of its own'):
        run(metric, [track_sample(frames)])


def test_photographs_of_one_folder_are_sequences_by_name(tmp_path):
    metric = build(format_only=True, outfile_prefix=str(tmp_path))
    frames = [frame_sample('0001', frame) for frame in (0, 1)]
    for name, frame in zip('ab', frames):
        frame.set_metainfo(
            dict(frame_id=0, ori_video_length=1, img_path=f'photos/{name}.jpg')
        )
    run(metric, [track_sample([frame]) for frame in frames])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.txt', 'b.txt']

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import sys

import numpy as np
import pytest
import torch
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from saved_detections import read_detections

from mmwsmots.evaluation import evaluate_mots
from mmwsmots.fileio.mots_txt import MOTSObject, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle
from mmwsmots.models.trackers import IoUCosineMatcher
from tests.load_script import load_script
from tests.quiet_run import run_script

LENGTHS = {'0000': 12, '0001': 8}
SIZE = 40, 120


@pytest.fixture(scope='module')
def tool(repo):
    return load_script(repo / 'tools/analysis_tools/search_tracker.py')


def scene(name):
    """Boxes (N, 4), labels and seen objects of each frame: rows that move right."""
    rng = np.random.default_rng(int(name))
    tops, lefts = np.arange(4) * 10, rng.integers(0, 30, 4)
    for frame_id in range(LENGTHS[name]):
        left = lefts + 5 * frame_id
        boxes = np.stack([left, tops, left + 14, tops + 9], axis=1)
        yield boxes.clip(0, [SIZE[1], SIZE[0]] * 2), np.array([0, 0, 1, 1]), rng


def samples(tracker):
    """Detections as the model predicts them, tracked; and the ground truth."""
    gt = {name: [] for name in LENGTHS}
    frames = []
    for name in LENGTHS:
        for frame_id, (boxes, labels, rng) in enumerate(scene(name)):
            masks = np.zeros((4, *SIZE), dtype=bool)
            for mask, (x1, y1, x2, y2) in zip(masks, boxes):
                mask[y1:y2, x1:x2] = True
            for n in range(4):
                cls = labels[n] + 1
                gt[name].append(
                    MOTSObject(
                        frame_id, 1000 * cls + n, cls, *SIZE, mask_to_rle(masks[n])
                    )
                )
            seen = rng.random(4) < 0.7 if frame_id else np.zeros(4, bool)
            looks = np.eye(4) + rng.normal(0, 0.3, (4, 4))
            instances = InstanceData(
                bboxes=torch.from_numpy(boxes[seen] + 0.3).float(),
                labels=torch.from_numpy(labels[seen]),
                scores=torch.from_numpy(rng.uniform(0.5, 1, 4)[seen]).float(),
                embeds=torch.from_numpy(looks[seen]).float(),
                masks=torch.from_numpy(masks[seen]),
            )
            sample = DetDataSample(
                metainfo=dict(
                    img_path=f'image_02/{name}/{frame_id:06d}.png',
                    frame_id=frame_id,
                    ori_video_length=LENGTHS[name],
                    ori_shape=SIZE,
                )
            )
            instances.instances_id = tracker.match(
                instances.bboxes, instances.labels, instances.embeds, frame_id
            )
            sample.pred_track_instances = instances
            frames.append(TrackDataSample())
            frames[-1].video_data_samples = [sample]
    return frames, gt


@pytest.fixture
def saved(tmp_path):
    """Folders: detections and gt; the seqmap; and the run's own numbers."""
    frames, gt = samples(IoUCosineMatcher(3, 0.2, motion='kalman'))
    for name, objects in gt.items():
        write_mots_txt(tmp_path / 'gt' / f'{name}.txt', objects)
    metrics = [
        METRICS.build(dict(type='SaveDetections', out_dir=str(tmp_path / 'dets'))),
        METRICS.build(dict(type='MOTSMetric', gt_dir=str(tmp_path / 'gt'))),
    ]
    evaluator = Evaluator(metrics)
    evaluator.dataset_meta = dict(classes=('car', 'pedestrian'))
    for frame in frames:
        evaluator.process([frame], {})
    numbers = evaluator.evaluate(len(frames))
    seqmap = ''.join(f'{n} empty 000000 {k - 1:06d}\n' for n, k in LENGTHS.items())
    (tmp_path / 'split.seqmap').write_text(seqmap)
    return tmp_path, frames, numbers


def arguments(folder):
    files = ['--seqmap', folder / 'split.seqmap', '--json', folder / 'out.json']
    return [folder / 'dets', '--gt', folder / 'gt', *files]


def run(tool, monkeypatch, folder, *args):
    argv = ['search', *arguments(folder), *args]
    monkeypatch.setattr(sys, 'argv', [str(arg) for arg in argv])
    tool.main()
    return json.loads((folder / 'out.json').read_text())


def test_saved_detections_are_what_was_predicted(saved):
    folder, frames, _ = saved
    assert sorted(p.name for p in (folder / 'dets').iterdir()) == [
        '0000.jsonl',
        '0001.jsonl',
    ]
    read = [
        f for name in LENGTHS for f in read_detections(folder / f'dets/{name}.jsonl')
    ]
    assert len(read) == len(frames)
    for frame, sample in zip(read, frames):
        expected = sample.video_data_samples[0].pred_track_instances
        for name in ('bboxes', 'labels', 'scores', 'embeds'):
            values = expected[name].numpy()
            if len(values):  # the number of columns of nothing is not kept
                np.testing.assert_array_equal(getattr(frame, name), values)
                assert getattr(frame, name).dtype == values.dtype
        assert frame.rles == [mask_to_rle(mask) for mask in expected.masks.numpy()]
        assert frame.size == SIZE


def test_the_runs_own_parameters_give_its_numbers(tool, monkeypatch, saved):
    folder, _, numbers = saved
    result = run(
        tool,
        monkeypatch,
        folder,
        *('--num-frames-retain', 3, '--match-sim-thr', 0.2, '--motion', 'kalman'),
    )
    (row,) = result['rows']
    for name, scores in row['scores'].items():
        for key in ('sMOTSA', 'HOTA', 'IDF1', 'IDS'):
            assert scores[key] == numbers[f'{name}/{key}']
    assert numbers['car/IDS'] > 0


def test_best_of_each_class(tool, repo, saved):
    folder = saved[0]
    output = run_script(
        repo / 'tools/analysis_tools/search_tracker.py',
        *arguments(folder),
        *('--num-frames-retain', 1, 4, '--match-sim-thr', 0, 0.5),
        *('--motion', 'none', 'kalman', '--score-thr', 0, 0.8, '--metric', 'IDF1'),
    )
    result = json.loads((folder / 'out.json').read_text())
    rows, best = result['rows'], result['best']
    assert len(rows) == 16
    assert 'IoUCosineTracker' in output
    # The chosen options, tracked and evaluated together, reach the best mean.
    tracker = IoUCosineMatcher(
        **{k: v for k, v in best['tracker'].items() if k != 'type'}
    )
    for name in LENGTHS:
        frames = read_detections(folder / f'dets/{name}.jsonl')
        objects = tool.track_frames(tracker, frames, best['score_thr'])
        write_mots_txt(folder / f'best/{name}.txt', objects)
    scores = evaluate_mots(folder / 'gt', folder / 'best', LENGTHS)
    mean = sum(scores[name]['IDF1'] for name in scores)
    for row in rows:
        assert mean >= sum(row['scores'][name]['IDF1'] for name in scores)


def test_best_of_several_folders(tool, monkeypatch, saved):
    """What the network decides is searched over the folders of its runs."""
    folder, _, numbers = saved
    worse = folder / 'worse'
    worse.mkdir()
    for name in LENGTHS:
        lines = (folder / f'dets/{name}.jsonl').read_text().splitlines()
        frames = [json.loads(line) for line in lines]
        for frame in frames[::2]:
            for key in ('bboxes', 'labels', 'scores', 'embeds', 'rles'):
                frame[key] = []
        text = ''.join(json.dumps(frame) + '\n' for frame in frames)
        (worse / f'{name}.jsonl').write_text(text)
    argv = ['search', worse, folder / 'dets', '--gt', folder / 'gt']
    argv += ['--seqmap', folder / 'split.seqmap', '--json', folder / 'out.json']
    monkeypatch.setattr(sys, 'argv', [str(arg) for arg in argv])
    tool.main()
    result = json.loads((folder / 'out.json').read_text())
    names = [row['parameters']['detections'] for row in result['rows']]
    assert names == [str(worse), str(folder / 'dets')]
    assert result['best']['detections'] == str(folder / 'dets')
    scores = [row['scores']['car']['TP'] for row in result['rows']]
    assert scores[0] < scores[1] == numbers['car/TP']


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda lines: lines[:-1], r'0000\.jsonl: 11 frames, .* says 12'),
        (lambda lines: lines[1:], r'0000\.jsonl, line 1: expected frame 0, got 1'),
        (lambda lines: [lines[0], lines[1][:50]], r'0000\.jsonl, line 2: '),
        (lambda lines: [*lines[:2], '[]\n'], r'0000\.jsonl, line 3: '),
        (
            lambda lines: [lines[0].replace('"scores": []', '"scores": [[]]')],
            r"line 1: .*cores' has the shape|line 1: cannot reshape|0000\.jsonl: 1 fr",
        ),
    ],
)
def test_bad_files_are_named(tool, monkeypatch, saved, spoil, message):
    path = saved[0] / 'dets/0000.jsonl'
    path.write_text(''.join(spoil(path.read_text().splitlines(keepends=True))))
    with pytest.raises(SystemExit, match=message):
        run(tool, monkeypatch, saved[0])
    assert not (saved[0] / 'out.json').exists()


def test_a_class_without_true_objects_is_not_in_the_mean(tool):
    rows = [
        dict(
            parameters=dict.fromkeys(tool.COMMON, 0)
            | dict(num_frames_retain=window, match_sim_thr=0, motion=motion),
            scores=dict(car=dict(HOTA=score), boat=dict(HOTA=float('nan'))),
        )
        for window, motion, score in ((1, 'none', 20.0), (4, 'linear', 30.0))
    ]
    assert tool.choose(rows, 'HOTA')['tracker']['motion'] == 'linear'
    cells = tool.format_rows(rows, 'HOTA').splitlines()[3].split('|')[-4:-1]
    assert [cell.strip() for cell in cells] == ['30.00', '-', '30.00']
    for row in rows:
        row['scores']['car']['HOTA'] = float('nan')
    with pytest.raises(ValueError, match='the ground truth has no object'):
        tool.choose(rows, 'HOTA')


def test_a_left_out_frame_is_an_error(tmp_path):
    frames, _ = samples(IoUCosineMatcher())
    metric = METRICS.build(dict(type='SaveDetections', out_dir=str(tmp_path)))
    metric.process({}, [frames[0].to_dict()])
    with pytest.raises(ValueError, match=r'000002\.png: frame 2 .*expected 1'):
        metric.process({}, [frames[2].to_dict()])
    with pytest.raises(ValueError, match='0000: its last frame was not seen'):
        metric.evaluate()
    assert [p.name for p in tmp_path.iterdir()] == ['0000.jsonl.part']

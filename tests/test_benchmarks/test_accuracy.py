# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmdet.registry import MODELS

from benchmarks.accuracy import __main__ as accuracy
from benchmarks.accuracy import evaluate as evaluation
from benchmarks.accuracy.evaluate import given_measures
from benchmarks.accuracy.measures import color_contrast, paired_ious
from benchmarks.accuracy.pictures import choose_objects, draw_page
from benchmarks.accuracy.variants import (
    DETECTOR_ONLY,
    VARIANTS,
    eval_config,
    train_config,
)
from mmwsmots.fileio.mots_txt import MOTSObject, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle

SIZE = (40, 60)


def square(y1, x1, y2, x2):
    mask = np.zeros(SIZE, dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


def obj(mask, track=1001, class_id=1, frame=0):
    return MOTSObject(frame, track, class_id, *SIZE, mask_to_rle(mask))


def test_pairs_are_those_whose_filled_box_matches():
    truth = [
        obj(square(0, 0, 10, 10)),
        obj(square(0, 20, 10, 30), 1002),
        obj(square(20, 0, 30, 10), 2001, class_id=2),
        obj(square(0, 0, 10, 10), 1001, frame=1),
    ]
    filled = [
        obj(square(0, 0, 10, 12)),  # IoU 100 / 120
        obj(square(0, 24, 10, 40), 1002),  # 60 / 200: no pair
        obj(square(20, 0, 30, 10), 1003),  # another class: no pair
        obj(square(0, 0, 10, 10), 2002, class_id=2),  # another class: no pair
    ]
    masks = [
        obj(square(0, 0, 10, 4)),  # 40 / 100: counts although it is lost
        obj(square(0, 20, 10, 30), 1002),
        *filled[2:],
    ]
    pairs = paired_ious(truth, masks, filled)
    assert pairs == [(1, pytest.approx(0.4), pytest.approx(100 / 120))]


def test_contrast():
    mask = square(10, 20, 30, 40)
    mask[10:14, 20:24] = False
    box = np.array([20.0, 10, 40, 30])
    frame = np.full((*SIZE, 3), 60, np.uint8)
    assert color_contrast(frame, mask, box) == pytest.approx(0, abs=1e-3)
    frame[mask] = 200
    light, dark = 80.60, 25.32  # L* of the greys 200 and 60
    assert color_contrast(frame, mask, box) == pytest.approx(light - dark, abs=0.2)
    assert color_contrast(frame, square(10, 20, 30, 40), box) == np.inf


def test_measures_given_boxes_by_hand():
    truth = [obj(square(0, 0, 10, 2 * i + 2), 1001 + i) for i in range(5)]
    truth.append(obj(square(20, 0, 30, 10), 2001, class_id=2))
    masks = [t._replace(rle=mask_to_rle(square(0, 0, 10, 1))) for t in truth[:5]]
    masks.append(truth[5])
    contrasts = np.array([9.0, 2.0, 5.0, np.inf, 7.0, 0.0])
    rows = given_measures({'0000': truth}, {'0000': masks}, {'0000': contrasts})
    ious = [1 / 2, 1 / 4, 1 / 6, 1 / 8, 1 / 10]
    assert rows['car']['given_iou'] == pytest.approx(100 * np.mean(ious))
    assert rows['car']['given_ratio'] == pytest.approx(np.mean(ious))
    assert rows['car']['given_share'] == 0  # 0.5 is not above 0.5
    assert rows['car']['given_low_contrast'] == pytest.approx(25)
    for key in ('given_iou', 'given_boundary', 'given_low_contrast'):
        assert rows['pedestrian'][key] == 100


def test_given_boxes_take_the_detector_out(tmp_path, monkeypatch):
    """True masks in the true boxes of a detector that finds nothing."""
    frames = tmp_path / 'training/image_02/0000'
    frames.mkdir(parents=True)
    cv2.imwrite(str(frames / '000000.png'), np.full((*SIZE, 3), 90, np.uint8))
    corner = square(5, 5, 25, 25) & ~square(5, 5, 13, 15)  # 320 of 400 pixels
    (tmp_path / 'instances_txt').mkdir()
    write_mots_txt(tmp_path / 'instances_txt/0000.txt', [obj(corner)])
    nothing = evaluation.Results([], np.zeros((0, 4)), np.zeros(0))
    monkeypatch.setattr(evaluation, 'detect', lambda *args: nothing)
    monkeypatch.setattr(
        evaluation, '_mask_branch', lambda model: lambda *args: corner[None]
    )
    table = evaluation.evaluate(None, tmp_path, tmp_path / 'masks', False)
    for kind, iou in (('model', 100), ('filled boxes', 80)):
        row = table[kind]['car']
        assert row['sMOTSA'] == 0
        assert row['given_sMOTSA'] == pytest.approx(iou)
        assert row['given_iou'] == pytest.approx(iou)


def test_rows_are_medians_over_the_seeds_that_have_a_kind():
    def table(value, kinds):
        row = dict.fromkeys(accuracy.COLUMNS, value)
        return {kind: dict(car=row, pedestrian=row) for kind in kinds}

    tables = [
        table(1.0, ['model', 'GrabCut']),
        table(5.0, ['model']),
        table(2.0, ['model']),
    ]
    tables[1]['model']['car']['MOTSA'] = float('nan')
    model, grabcut_row = accuracy.rows_of('paper', tables, 'car')
    assert model.startswith('| car | paper | model | 3 | 2.0 | 1.5 |')
    assert grabcut_row.startswith('| car | paper | GrabCut | 1 | 1.0 |')


def test_held_back_sequences_are_not_trained_on():
    dev, val = accuracy.split_sequences('dev'), accuracy.split_sequences('val')
    assert not set(dev['train']) & set(dev['test'])
    assert set(dev['train']) | set(dev['test']) == set(val['train'])
    assert not set(val['train']) & set(val['test'])


def shapes(cfg):
    cfg.model.detector.backbone.init_cfg = None
    return {k: v.shape for k, v in MODELS.build(cfg.model).state_dict().items()}


@pytest.fixture(scope='module')
def detector_shapes():
    cfg = train_config(DETECTOR_ONLY, Path('data'), iters=7, seed=3)
    assert 'MaskGuardHook' not in [hook.type for hook in cfg.custom_hooks]
    return shapes(cfg)


def test_the_common_detector_has_no_masks(detector_shapes):
    assert not [key for key in detector_shapes if 'mask' in key or 'track' in key]


@pytest.mark.parametrize('name', VARIANTS)
def test_variants_start_from_the_detector(name, tmp_path, detector_shapes):
    variant = VARIANTS[name]
    cfg = train_config(variant, tmp_path, 7, 3, tmp_path / 'detector.pth')
    assert (cfg.train_cfg.max_iters, cfg.randomness.seed) == (7, 3)
    assert cfg.load_from == str(tmp_path / 'detector.pth')
    trained = shapes(cfg)
    assert detector_shapes.items() <= trained.items()
    test_cfg = eval_config(variant)
    assert test_cfg.model.detector.test_cfg.rcnn.score_thr == 0.9
    assert test_cfg.model.tracker.motion == 'kalman'
    assert trained == shapes(test_cfg)


@pytest.mark.parametrize('name', ['supervised', 'paper', 'masker'])
def test_gpu_preset_is_the_full_config_counted_in_iterations(name, tmp_path):
    variant = VARIANTS[name]
    cfg = train_config(variant, tmp_path, 300, 3, preset='gpu')
    assert cfg.model.detector.backbone.type == 'ResNet'
    assert cfg.train_cfg == dict(type='IterBasedTrainLoop', max_iters=300)
    steps = cfg.param_scheduler[1]
    assert (steps.by_epoch, steps.milestones) == (False, [200, 260])
    assert not cfg.default_hooks.checkpoint.by_epoch and not cfg.log_processor.by_epoch
    assert not cfg.model.freeze_detector
    test_cfg = eval_config(variant, 'gpu')
    assert test_cfg.model.detector.test_cfg.rcnn.score_thr == 0.9
    assert 'motion' not in test_cfg.model.tracker
    assert shapes(cfg) == shapes(test_cfg)


def test_presets_give_defaults_alone(tmp_path):
    default = accuracy.parse_args([str(tmp_path)])
    gpu = accuracy.parse_args([str(tmp_path), '--preset', 'gpu', '--iters', '5'])
    assert (default.preset, default.scale, default.iters) == ('cpu', 0.5, 450)
    assert (gpu.scale, gpu.detector_iters, gpu.iters) == (1.0, 0, 5)
    assert default.deadline is None
    hurried = accuracy.parse_args([str(tmp_path), '--minutes', '2'])
    assert 60 < hurried.deadline - time.monotonic() <= 120


def test_finished_work_is_not_done_again(tmp_path, monkeypatch):
    """Everything is there already: no command runs, no model is built."""

    def fail(*args):
        raise AssertionError(args)

    monkeypatch.setattr(accuracy, 'run', fail)
    monkeypatch.setattr(accuracy, 'init_mots_model', fail)
    row = dict.fromkeys(accuracy.COLUMNS, 0.5)
    for part in ('train', 'test'):
        folder = tmp_path / f'dev_{part}/annotations'
        folder.mkdir(parents=True)
        (folder / 'kitti_mots_train.json').touch()
    table = {'model': dict(car=row, pedestrian=row)}
    for name in ('masker', 'paper'):
        run = tmp_path / f'dev_runs/{name}/seed4'
        run.mkdir(parents=True)
        (run / 'iter_9.pth').touch()
        (run / f'{name}_iter9.json').write_text(json.dumps(table))
    args = [str(tmp_path), '--variants', 'masker', 'paper', '--seeds', '4']
    accuracy.main([*args, '--iters', '9', '--table', str(tmp_path / 'table.md')])
    lines = (tmp_path / 'table.md').read_text().splitlines()
    assert 'split dev, 1800 + 9 iterations, seeds 4' in lines[0]
    assert len([line for line in lines if line.startswith('| pedestrian |')]) == 2


def test_picture_shows_small_and_large_objects_with_the_masks_of_each(tmp_path):
    frames = tmp_path / 'training/image_02/0000'
    frames.mkdir(parents=True)
    cv2.imwrite(str(frames / '000000.png'), np.full((*SIZE, 3), 90, np.uint8))
    truth = [
        obj(square(0, 0, 4 + 4 * i, 4 + 4 * i), 1001 + i)._replace(frame_id=0)
        for i in range(8)
    ]
    (tmp_path / 'instances_txt').mkdir()
    write_mots_txt(tmp_path / 'instances_txt/0000.txt', truth[:1])
    found = tmp_path / 'masker'
    found.mkdir()
    write_mots_txt(found / '0000.txt', [truth[0]._replace(rle=truth[0].rle)])
    page = draw_page(tmp_path, {'masker': found}, tmp_path / 'page.png', cell=40)
    saved = cv2.imread(str(tmp_path / 'page.png'))
    assert np.array_equal(page, saved) and page.shape[1] >= 3 * 40
    # Truth and result are the same: so are their cells, but not the frame's.
    gap = 40 // 40 + 1
    cells = [page[-40 - gap : -gap, gap + i * (40 + gap) :][:, :40] for i in range(3)]
    assert np.array_equal(cells[1], cells[2]) and not np.array_equal(*cells[:2])
    chosen = choose_objects({'0000': truth}, per_class=3)
    areas = [item.mask.sum() for _, item in chosen]
    assert areas == sorted(areas) and len(chosen) == 3


def test_columns_of_the_picture(tmp_path):
    """Masks of a variant lie beside its checkpoint."""
    args = accuracy.parse_args(
        [str(tmp_path), '--variants', 'paper', 'masker', '--seeds', '4', '5']
    )
    runs = tmp_path / 'dev_runs'
    for folder in (
        *('paper/seed4/masks/model', 'paper/seed4/masks/GrabCut'),
        *('masker/seed4/masks/filled boxes', 'masker/seed4/masks/model'),
    ):
        (runs / folder).mkdir(parents=True)
    kinds = ('model', 'filled boxes', 'GrabCut')
    tables = {name: [dict.fromkeys(kinds)] * 2 for name in args.variants}
    assert list(accuracy.picture_columns(tables, args).items()) == [
        ('paper', runs / 'paper/seed4/masks/model'),
        ('paper: GrabCut', runs / 'paper/seed4/masks/GrabCut'),
        ('masker', runs / 'masker/seed4/masks/model'),
    ]


def test_picture_of_nothing_is_refused(tmp_path):
    (tmp_path / 'instances_txt').mkdir()
    with pytest.raises(ValueError, match='no object'):
        draw_page(tmp_path, {}, tmp_path / 'page.png')
    assert not (tmp_path / 'page.png').exists()

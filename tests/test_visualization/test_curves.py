# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import math

import numpy as np
import pytest

from mmwsmots.visualization import choose_keys, plot_curves, read_curves, smooth


def write(run, stamp, records, end='\n'):
    folder = run / stamp / 'vis_data'
    folder.mkdir(parents=True)
    text = '\n'.join(json.dumps(record) for record in records) + end
    (folder / 'scalars.json').write_text(text)


def train(step, loss, **more):
    return dict(loss=loss, iter=step, step=step, **more)


def test_a_resumed_training_is_one_curve(tmp_path):
    write(tmp_path, '20260101_000000', [train(s, 10 - s) for s in (1, 2, 3, 4)])
    # Resumed from a checkpoint at step 2: step 3 comes again.
    write(tmp_path, '20260101_010000', [train(s, 20 - s) for s in (3, 4, 5)])
    curve = read_curves(tmp_path)['loss']
    assert curve.steps.tolist() == [1, 2, 3, 4, 5]
    assert curve.values.tolist() == [9, 8, 17, 16, 15]
    assert curve.unit == 'iteration'
    # A training that began anew leaves nothing of the old one.
    write(tmp_path, '20260101_020000', [train(1, 0.5)])
    assert read_curves(tmp_path)['loss'].values.tolist() == [0.5]
    # The keys of other runs stay where a file has none of them.
    write(tmp_path, '20260101_030000', [dict(step=3, mAP=0.7)])
    curves = read_curves(tmp_path)
    assert curves['mAP'].values.tolist() == [0.7]
    assert curves['loss'].values.tolist() == [0.5]


def test_units_and_what_is_no_number(tmp_path):
    records = [train(10, 1.0, epoch=1, lr=0.1, note='x'), dict(step=1, mAP=0.2)]
    write(tmp_path, 'a', records)
    curves = read_curves(tmp_path / 'a/vis_data')
    assert list(curves) == ['loss', 'lr', 'mAP']
    assert (curves['loss'].unit, curves['mAP'].unit) == ('iteration', 'epoch')
    by_file = read_curves(tmp_path / 'a/vis_data/scalars.json')
    assert by_file['mAP'].values.tolist() == [0.2]


def test_a_line_that_is_being_written_is_left_out(tmp_path):
    write(tmp_path, 'a', [train(1, 1.0), train(2, 2.0)], end='\n{"loss": 3')
    assert read_curves(tmp_path)['loss'].steps.tolist() == [1, 2]


def test_nan_is_kept(tmp_path):
    write(tmp_path, 'a', [train(1, math.nan), train(2, 2.0)])
    values = read_curves(tmp_path)['loss'].values
    assert math.isnan(values[0]) and values[1] == 2


def test_smoothing_against_a_loop():
    values = np.random.default_rng(0).normal(size=30)
    values[7] = math.nan
    smoothed = smooth(values, 2.0)
    for i, value in enumerate(smoothed):
        weights = np.exp(-0.5 * ((np.arange(30) - i) / 2.0) ** 2)
        weights[np.abs(np.arange(30) - i) > 8] = 0  # scipy cuts at four sigmas
        weights[7] = 0
        if i == 7:
            assert math.isnan(value)
        else:
            assert value == pytest.approx(np.nansum(weights * values) / weights.sum())
    assert smooth(values, 0)[0] == values[0]
    assert smooth(np.array([1.0, 2, 3]), 0).tolist() == [1, 2, 3]
    np.testing.assert_allclose(smooth(np.full(9, 4.0), 3), 4)


def test_what_is_drawn(tmp_path):
    records = [train(s, s / 2, loss_cls=1.0) for s in (1, 2, 3)]
    write(tmp_path / 'a', 'x', records)
    write(tmp_path / 'b', 'x', [train(s, 1.0) for s in (1, 2)])
    runs = {name: read_curves(tmp_path / name) for name in 'ab'}
    keys = choose_keys(runs, ['loss*'])
    assert keys == ['loss', 'loss_cls']
    figure = plot_curves(runs, keys)
    first, second = figure.axes[:2]
    assert [axis.get_title() for axis in figure.axes] == keys
    assert first.lines[0].get_xydata().tolist() == [[1, 0.5], [2, 1], [3, 1.5]]
    assert first.lines[1].get_xydata().tolist() == [[1, 1], [2, 1]]
    assert len(second.lines) == 1  # b has no such key
    assert [text.get_text() for text in figure.legends[0].texts] == ['a', 'b']
    assert first.get_xlabel() == 'iteration'


def test_bad_input_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone: no scalars\.json'):
        read_curves(tmp_path / 'gone')
    for number, (text, message) in enumerate(
        [
            ('{"loss": 1, "step": 1}\n{"loss"\n', r'scalars\.json, line 2: '),
            ('[1]\n', r'line 1: expected an object with the integer "step"'),
            ('{"step": "a"}\n', r'line 1: expected an object'),
            ('', r'scalars\.json: nothing was logged'),
        ]
    ):
        folder = tmp_path / str(number) / 'a/vis_data'
        folder.mkdir(parents=True)
        (folder / 'scalars.json').write_text(text)
        with pytest.raises(ValueError, match=message):
            read_curves(tmp_path / str(number))
    with pytest.raises(ValueError, match='must not be negative, got -1'):
        smooth(np.zeros(3), -1)
    with pytest.raises(ValueError, match=r'no key matches "x", there are \[\]'):
        choose_keys({'a': {}}, ['x'])

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json

import cv2
import pytest
from mmengine.visualization import Visualizer


@pytest.fixture
def main(tool):
    return tool('plot_curves').main


@pytest.fixture
def run(tmp_path):
    """A work directory as mmengine's visualizer writes it."""
    folder = tmp_path / 'run' / '20260101_000000'
    visualizer = Visualizer(
        vis_backends=[dict(type='LocalVisBackend')], save_dir=str(folder)
    )
    for step in (10, 20, 30):
        visualizer.add_scalars(
            dict(loss=1 / step, loss_cls=0.5, lr=0.1, iter=step), step
        )
    visualizer.close()
    return tmp_path / 'run'


def test_picture(main, run, tmp_path, capsys):
    out = tmp_path / 'new/curves.png'
    main([str(run), str(run), '--names', 'a', 'b', '--out', str(out)])
    picture = cv2.imread(str(out))
    assert picture is not None and 0 < (picture < 128).mean() < 0.5
    assert str(out) in capsys.readouterr().out
    main([str(run), '--keys', 'lr', '--smoothing', '0', '--out', f'{tmp_path}/lr.svg'])
    assert '<svg' in (tmp_path / 'lr.svg').read_text()


def test_bad_input_is_named(main, run, tmp_path, capsys):
    out = str(tmp_path / 'curves.png')
    with pytest.raises(SystemExit, match=r'error: .*absent: no scalars\.json'):
        main([str(tmp_path / 'absent'), '--out', out])
    with pytest.raises(
        SystemExit, match=r'no key matches "acc\*", there are .*loss_cls'
    ):
        main([str(run), '--keys', 'acc*', '--out', out])
    with pytest.raises(SystemExit, match='smoothing must not be negative, got -1'):
        main([str(run), '--smoothing', '-1', '--out', out])
    (scalars,) = run.glob('*/vis_data/scalars.json')
    scalars.write_text(json.dumps(dict(loss=1, step=1)) + '\n{"loss": 2}\n')
    with pytest.raises(SystemExit, match=r'scalars\.json, line 2: expected an object'):
        main([str(run), '--out', out])
    for args, message in (
        ([str(run), str(run)], '2 runs need as many names, all different'),
        ([str(run), '--out', str(tmp_path / 'curves.txt')], 'must end in one of'),
    ):
        with pytest.raises(SystemExit):
            main([*args, *(['--out', out] if '--out' not in args else [])])
        assert message in capsys.readouterr().err
    assert not (tmp_path / 'curves.png').exists()

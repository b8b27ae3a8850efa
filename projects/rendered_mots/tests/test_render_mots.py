# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import runpy
import sys

import cv2
import pytest

from mmwsmots.fileio.mots_txt import read_mots_txt


@pytest.fixture
def render(repo, monkeypatch):
    """Run the tool with a command line, in this process: mmdet imports slowly."""
    path = repo / 'projects/rendered_mots/render_mots.py'

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        runpy.run_path(str(path), run_name='__main__')

    return run


def test_procedural_clips(render, tmp_path, capsys):
    out = tmp_path / 'out'
    render(
        out, '--num-sequences', 1, '--frames', 2, '--size', '416x128', '--scale', 0.5
    )
    for frame in ('000000', '000001'):
        path = out / 'training' / 'image_02' / '0000' / f'{frame}.png'
        assert cv2.imread(str(path)).shape == (64, 208, 3)
    assert read_mots_txt(out / 'instances_txt' / '0000.txt')
    captured = capsys.readouterr()
    assert '1 sequence' in captured.out
    assert '2/2' in captured.err, 'progress'


def test_real_annotations_at_half_size(render, shared_data, tmp_path):
    out = tmp_path / 'out'
    source = shared_data / 'kitti_mots' / 'instances_txt'
    render(
        *(out, '--annotations', source, '--sequences', '0014', '0018'),
        *('--backgrounds', shared_data / 'kitti_raw_queue'),
        *('--frames', 2, '--frame-stride', 40, '--scale', 0.5, '--workers', 2),
    )
    for name in ('0014', '0018'):
        truth = read_mots_txt(source / f'{name}.txt')
        rendered = read_mots_txt(out / 'instances_txt' / f'{name}.txt')
        expected = [
            (obj.frame_id // 40, obj.track_id, obj.class_id)
            for obj in truth
            if obj.frame_id in (0, 40)
        ]
        assert [obj[:3] for obj in rendered] == expected
        size = (int(truth[0].height / 2 + 0.5), int(truth[0].width / 2 + 0.5))
        assert {(obj.height, obj.width) for obj in rendered} <= {size}
        picture = out / 'training' / 'image_02' / name / '000001.png'
        assert cv2.imread(str(picture)).shape[:2] == size


@pytest.mark.parametrize(
    'args, message',
    [
        (('--workers', 0), 'workers must be >= 1'),
        (('--scale', -1), 'scale must be > 0'),
        (('--annotations', 'nowhere'), 'annotations folder nowhere does not exist'),
        (('--backgrounds', 'nowhere'), 'backgrounds folder nowhere does not exist'),
    ],
)
def test_bad_input_ends_with_one_sentence(render, tmp_path, args, message):
    with pytest.raises(SystemExit, match=f'^error: .*{message}'):
        render(tmp_path / 'out', *args)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('size', ['1242', '1242x', 'x375', '12 x 5'])
def test_a_size_is_width_x_height(render, tmp_path, capsys, size):
    with pytest.raises(SystemExit):
        render(tmp_path / 'out', '--size', size)
    assert f'expected WIDTHxHEIGHT, got "{size}"' in capsys.readouterr().err

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest

from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.mots_txt import read_mots_txt
from tests.load_script import load_script

WIDTH, HEIGHT = 96, 64


@pytest.fixture(scope='module')
def real_clip(repo):
    path = repo / 'benchmarks/real_clip.py'
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(path.parent)
        return load_script(path)


@pytest.fixture
def clip(tmp_path):
    """Four frames of a moving square and its boxes, numbered from 0."""
    folder = tmp_path / 'clip'
    folder.mkdir()
    lines = []
    for i in range(4):
        image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        image[20:50, 10 + 4 * i : 40 + 4 * i] = (30, 200, 90)
        cv2.imwrite(str(folder / f'{i:06d}.png'), image)
        lines.append(f'{i},7,{10 + 4 * i},20,30,30,1,1,1')
    (tmp_path / 'boxes.txt').write_text('\n'.join(lines))
    return folder, tmp_path / 'boxes.txt'


def test_boxes_in_masks_out(real_clip, clip, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(real_clip, 'fetch_weights', lambda cfg: None)
    frames, boxes = clip
    args = ['--frames', frames, '--boxes', boxes, '--out', tmp_path / 'out']
    args += ['--train-frames', '0-1', '--seed', 3, '--cfg-options']
    args += ['model.detector.backbone.init_cfg=None', 'train_cfg.max_iters=2']
    for loader in ('train', 'val', 'test'):
        args += [f'{loader}_dataloader.num_workers=0']
        args += [f'{loader}_dataloader.persistent_workers=False']
    real_clip.main([str(arg) for arg in args])

    out = tmp_path / 'out'
    objects = read_mots_txt(out / 'clip.txt')
    assert [(obj.frame_id, obj.track_id) for obj in objects] == [
        (i, 1007) for i in range(4)
    ]
    assert all((obj.height, obj.width) == (HEIGHT, WIDTH) for obj in objects)
    ratios = []
    for i, obj in enumerate(objects):
        inside = obj.mask[20:50, 10 + 4 * i : 40 + 4 * i]
        assert inside.sum() == obj.mask.sum()  # nothing outside the box
        ratios.append(inside.mean())
    assert len(list(FrameReader(out / 'clip.mp4'))) == 4
    assert (out / 'tracked/clip.txt').is_file()
    printed = capsys.readouterr().out
    assert f'all frames: mean {np.mean(ratios):.3f}' in printed
    assert f'frames trained on: mean {np.mean(ratios[:2]):.3f}' in printed
    assert f'frames held back: mean {np.mean(ratios[2:]):.3f}' in printed
    # Only the frames of --train-frames were trained on.
    trained = (out / 'boxes_train.txt').read_text().splitlines()
    assert [line.split(',')[0] for line in trained] == ['0', '1']


@pytest.mark.parametrize(
    ('text', 'options', 'message'),
    [
        ('', [], 'boxes.txt: no boxes'),
        ('x,1,2', [], 'boxes.txt, line 1: no frame number'),
        (None, ['--train-frames', '8-9'], 'no box in the frames of --train-frames'),
    ],
)
def test_bad_input(real_clip, clip, tmp_path, text, options, message):
    frames, boxes = clip
    if text is not None:
        boxes.write_text(text)
    args = ['--frames', frames, '--boxes', boxes, '--out', tmp_path / 'out', *options]
    with pytest.raises(SystemExit) as caught:
        real_clip.main([str(arg) for arg in args])
    assert message in caught.value.code


def test_bad_range(real_clip, capsys):
    for text in ('3', '5-2', 'a-b'):
        with pytest.raises(SystemExit):
            real_clip.parse_args(
                ['--frames', 'f', '--boxes', 'b', '--out', 'o', '--train-frames', text]
            )
        assert 'expected A-B' in capsys.readouterr().err

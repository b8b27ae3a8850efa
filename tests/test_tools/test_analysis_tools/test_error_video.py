# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import shutil

import cv2
import numpy as np
import pytest
from mots20_2coco import MOTS20_SPLITS

from mmwsmots.evaluation import evaluate_sequences
from mmwsmots.fileio.mots_txt import write_mots_txt
from tests.mots20_files import mots20_objects, write_mots20
from tests.quiet_run import run_script


@pytest.fixture
def main(tool):
    return tool('error_video').main


@pytest.fixture
def args(clips, tmp_path):
    return [str(clips.root / 'frames'), *clips.options, '--out', str(tmp_path / 'out')]


def test_videos_and_counts(repo, args, clips, tmp_path):
    output = run_script(repo / 'tools/analysis_tools/error_video.py', *args)
    rows = [line.split('|') for line in output.splitlines()]
    rows = {row[1].strip(): row for row in rows if len(row) > 6}
    root = clips.root
    _, scores = evaluate_sequences(root / 'gt', root / 'results', clips.lengths)
    for name, length in clips.lengths.items():
        found = [int(cell) for cell in rows[name][2:6]]
        for place, key in enumerate(('TP', 'FP', 'FN', 'IDS')):
            classes = scores[name].values()
            assert found[place] == sum(values[key] for values in classes)
        video = cv2.VideoCapture(str(tmp_path / f'out/{name}.mp4'))
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) == length
        is_read, frame = video.read()
        assert is_read and frame.shape[0] > 375
    assert all(sum(int(rows[name][i]) for name in clips.lengths) for i in range(2, 6))


def test_mots20_without_a_seqmap(main, tmp_path, capsys):
    root = write_mots20(tmp_path / 'MOTS20') / 'train'
    results = tmp_path / 'results'
    for number, name in enumerate(MOTS20_SPLITS['train']):
        objects = mots20_objects(number)
        write_mots_txt(results / f'{name}.txt', objects, first_frame=1)
    args = [root, '--gt', root, '--results', results, '--out', tmp_path / 'out']
    args = [str(arg) for arg in args]
    main([*args, '--benchmark', 'mots20'])
    videos = [f'{name}.mp4' for name in MOTS20_SPLITS['train']]
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == videos
    assert capsys.readouterr().out.count(' 6  | 0  | 0  | 0 ') == len(videos)
    with pytest.raises(SystemExit, match='no ground truth SSSS'):
        main(args)


def test_bad_input_is_named_before_anything_is_drawn(main, args, clips, tmp_path):
    shutil.copytree(clips.root / 'frames', tmp_path / 'frames')
    args[0] = str(tmp_path / 'frames')
    (tmp_path / 'frames/0014/000009.png').unlink()
    with pytest.raises(SystemExit, match=r'0014: 9 frames instead of 10'):
        main(args)
    (tmp_path / 'frames/0014/000009.png').write_text('no image')
    with pytest.raises(SystemExit, match=r'0014/000009\.png: the frame cannot be read'):
        main(args)
    shutil.rmtree(tmp_path / 'frames/0014')
    with pytest.raises(SystemExit, match=r'frames/0014: no such video file or folder'):
        main(args)
    assert not (tmp_path / 'out').exists()


def test_masks_of_another_size_leave_no_video(main, args, tmp_path):
    folder = tmp_path / 'frames/0012'
    folder.mkdir(parents=True)
    args[0] = str(tmp_path / 'frames')
    seqmap = tmp_path / 'one.seqmap'
    seqmap.write_text('0012 empty 000000 000023\n')
    for number in range(24):
        cv2.imwrite(str(folder / f'{number:06d}.png'), np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(SystemExit, match='a frame of 20 x 30 need masks of that shape'):
        main([*args, '--seqmap', str(seqmap)])
    assert list((tmp_path / 'out').iterdir()) == []

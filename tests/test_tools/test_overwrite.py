# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""No tool replaces a file without being told to; label_*.py have tests of their own."""

import runpy
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmdet.registry import METRICS
from mmengine.evaluator import Evaluator

from tests.load_script import load_script

CONVERTERS, ANALYSIS = 'tools/dataset_converters', 'tools/analysis_tools'
EVALUATION = ['--gt', 'gt', '--results', 'results']
NOTES = ['--command', 'c', '--commit', 'abc']
# Tool, arguments, and what it would replace, in the current folder.
TOOLS = [
    (f'{CONVERTERS}/kitti_mots2coco.py', ['.'], 'annotations/kitti_mots_val.json'),
    (f'{CONVERTERS}/mots20_2coco.py', ['.'], 'annotations/mots20_fold-0005_val.json'),
    (f'{CONVERTERS}/mot2coco.py', ['clip', 'boxes.txt', 'out.json'], 'out.json'),
    (f'{CONVERTERS}/mot2coco.py', ['a.avi', 'boxes.txt', 'out.json'], 'a/000000.png'),
    (f'{CONVERTERS}/convert_masks.py', ['in', 'out.json', '--to', 'coco'], 'out.json'),
    (f'{ANALYSIS}/eval_mots.py', [*EVALUATION, '--json', 'out.json'], 'out.json'),
    (f'{ANALYSIS}/sequence_table.py', [*EVALUATION, '--csv', 'out.csv'], 'out.csv'),
    (f'{ANALYSIS}/report.py', [*EVALUATION, '--out', 'out.html'], 'out.html'),
    (f'{ANALYSIS}/error_video.py', ['.', *EVALUATION, '--out', 'out'], 'out/0002.mp4'),
    (
        f'{ANALYSIS}/search_tracker.py',
        ['dets', '--gt', 'gt', '--seqmap', 's', '--json', 'out.json'],
        'out.json',
    ),
    ('tools/misc/collect_log.py', ['run', 'w', *NOTES, '--out', 'out'], 'out'),
    ('tools/misc/collect_masker_log.py', ['run', 'w', *NOTES, '--out', 'out'], 'out'),
    ('tools/model_converters/mobilenetv2_to_mmdet.py', ['out.pth'], 'out.pth'),
    (
        'demo/draw_demo.py',
        ['data', 'config', 'weights', '--results', 'results', '--out', 'out'],
        'out/0002.mp4',
    ),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What has to be there before a tool looks at its output."""
    monkeypatch.chdir(tmp_path)
    for name in ('gt', 'results', 'clip', 'data'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '0002.txt').touch()
    image = np.zeros((20, 30, 3), np.uint8)
    cv2.imwrite('clip/000000.png', image)
    video = cv2.VideoWriter('a.avi', cv2.VideoWriter_fourcc(*'MJPG'), 10, (30, 20))
    video.write(image)
    video.release()
    (tmp_path / 'boxes.txt').write_text('1,1,1,1,5,5,1,1,1\n')
    return tmp_path


@pytest.mark.parametrize(
    'script, args, existing', TOOLS, ids=[f'{tool[0]} {tool[2]}' for tool in TOOLS]
)
def test_what_is_there_stays(repo, folder, monkeypatch, script, args, existing):
    (folder / existing).parent.mkdir(exist_ok=True)
    (folder / existing).write_text('of somebody')
    monkeypatch.syspath_prepend(str((repo / script).parent))
    before = sorted(folder.rglob('*'))
    monkeypatch.setattr(sys, 'argv', [script, *args])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(repo / script), run_name='__main__')
    assert caught.value.code == (
        f'error: {existing}: exists already; --overwrite replaces it'
    )
    assert (folder / existing).read_text() == 'of somebody'
    assert sorted(folder.rglob('*')) == before
    monkeypatch.setattr(sys, 'argv', [script, *args, '--overwrite'])
    try:
        runpy.run_path(str(repo / script), run_name='__main__')
    except (SystemExit, FileNotFoundError) as end:  # an input that is not here
        assert 'exists already' not in str(end)


class Frames:
    """Two videos, of which one lies in a folder img1."""

    metainfo = dict(classes=('лодка',))

    def __len__(self):
        return 2

    def get_data_info(self, index):
        folder = ('data/0002', 'data/MOTS20-05/img1')[index]
        return dict(images=[dict(img_path=f'{folder}/{i:06d}.png') for i in (0, 1)])


@pytest.mark.parametrize(
    'metric, existing',
    [
        (dict(type='MOTSMetric', format_only=True, outfile_prefix='out'), '0002.txt'),
        (dict(type='SaveDetections', out_dir='out'), 'MOTS20-05.jsonl'),
        (dict(type='DumpMaskLabels', ann_file='a', out_file='out/a.json'), 'a.json'),
        (dict(type='DumpResults', out_file_path='out/a.pkl'), 'a.pkl'),
        (dict(type='CocoMetric', outfile_prefix='out/dev'), 'dev.bbox.json'),
    ],
)
def test_results_of_an_earlier_test_stay(repo, folder, metric, existing):
    check = load_script(repo / 'tools/test.py').check_outputs
    evaluator = Evaluator([METRICS.build(metric)])
    loader = SimpleNamespace(dataset=Frames())
    loop = SimpleNamespace(dataloader=loader, evaluator=evaluator)
    runner = SimpleNamespace(test_loop=loop)
    check(runner, overwrite=False)
    (folder / 'out').mkdir()
    (folder / 'out' / existing).write_text('of somebody')
    with pytest.raises(FileExistsError, match=f'^out/{existing}: exists already; --ov'):
        check(runner, overwrite=False)
    check(runner, overwrite=True)
    # Other videos' results do not hinder, as those of the other folds of MOTS20.
    (folder / 'out' / existing).rename(folder / 'out/0009.txt')
    if metric['type'] != 'MOTSMetric':
        return check(runner, overwrite=False)
    with pytest.raises(ValueError, match='files there have the classes car, pedestri'):
        check(runner, overwrite=True)  # they would become boats
    (folder / 'out/labels.txt').write_text('лодка\n', encoding='utf-8')
    check(runner, overwrite=False)

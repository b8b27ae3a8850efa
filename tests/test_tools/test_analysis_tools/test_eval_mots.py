# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import runpy
import sys

import pytest

from mmwsmots.evaluation import evaluate_mots
from tests.quiet_run import run_script


@pytest.fixture
def evaluate(repo, monkeypatch):
    """Run the tool with a command line, in this process: mmdet imports slowly."""
    path = repo / 'tools/analysis_tools/eval_mots.py'

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        runpy.run_path(str(path), run_name='__main__')

    return run


@pytest.fixture
def seqmap(tmp_path):
    path = tmp_path / 'small.seqmap'
    path.write_text('0012 empty 000000 000077\n')
    return path


def test_ground_truth_and_its_filled_boxes(evaluate, shared_data, seqmap, tmp_path):
    gt = shared_data / 'kitti_mots' / 'instances_txt'
    out = tmp_path / 'scores.json'
    args = ('--gt', gt, '--results', gt, '--seqmap', seqmap, '--json', out)
    evaluate(*args, '--filled-boxes', '--protocol', 'mots_tools')
    rows = json.loads(out.read_text())
    assert rows['results'] == evaluate_mots(gt, gt, {'0012': 78})
    assert rows['results']['car']['MOTSP'] == 100
    assert 60 < rows['filled boxes']['car']['MOTSP'] < 90
    assert rows['filled boxes']['car']['IDS'] == 0


def test_command_line(repo, shared_data, seqmap):
    """In a process of its own, as a user does."""
    gt = shared_data / 'kitti_mots' / 'instances_txt'
    args = ['--gt', gt, '--results', gt, '--seqmap', seqmap]
    output = run_script('tools/analysis_tools/eval_mots.py', *args, cwd=repo)
    row = next(line for line in output.splitlines() if '| car ' in line)
    cells = [cell.strip() for cell in row.split('|')[1:-1]]
    assert cells[:2] == ['car', 'results']
    assert cells[2:8] == ['100.00', '100.00', '100.00', '0', '100.00', '100.00']


def test_bad_input_is_named_and_nothing_is_written(
    evaluate, shared_data, seqmap, tmp_path
):
    gt = shared_data / 'kitti_mots' / 'instances_txt'
    results, out = tmp_path / 'results', tmp_path / 'scores.json'
    results.mkdir()
    args = ('--gt', gt, '--results', results, '--seqmap', seqmap, '--json', out)
    with pytest.raises(SystemExit, match=r'error: .*results/0012\.txt: no results'):
        evaluate(*args)
    lines = (gt / '0012.txt').read_text().splitlines()
    (results / '0012.txt').write_text('\n'.join([*lines[:4], lines[4][:-1]]))
    with pytest.raises(SystemExit, match=r'error: .*results/0012\.txt, line 5: the '):
        evaluate(*args)
    seqmap.write_text('0012 empty 000000\n')
    with pytest.raises(SystemExit, match=r'error: .*small\.seqmap, line 1: expected'):
        evaluate(*args)
    assert not out.exists()

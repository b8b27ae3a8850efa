# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import sys

import cv2
import numpy as np
import pytest
import torch

from mmwsmots.fileio.mots_txt import MOTSObject, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle
from tests.load_script import load_script

HEIGHT, WIDTH = 48, 64


@pytest.fixture
def files(tmp_path):
    """Two frames of two cars each."""
    rng = np.random.default_rng(0)
    objects = []
    (tmp_path / 'frames').mkdir()
    for frame in range(2):
        for k in range(2):
            mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
            mask[10:30, 5 + 24 * k : 25 + 24 * k] = True
            rle = mask_to_rle(mask)
            objects.append(MOTSObject(frame, 1001 + k, 1, HEIGHT, WIDTH, rle))
        image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f'frames/{frame:06d}.png'), image)
    write_mots_txt(tmp_path / 'boxes.txt', objects)
    return [tmp_path / 'boxes.txt', tmp_path / 'frames']


def test_the_row_of_a_missing_package_stays_empty(
    repo, files, tmp_path, monkeypatch, capsys
):
    monkeypatch.syspath_prepend(repo / 'benchmarks')
    monkeypatch.setitem(sys.modules, 'transformers', None)
    script = load_script(repo / 'benchmarks/labelling_speed.py')
    options = ['--objects', '3', '--frames', '2', '--out', tmp_path / 'table.md']
    argv = [str(part) for part in ('labelling_speed.py', *files, *options)]
    monkeypatch.setattr(sys, 'argv', argv)
    threads = torch.get_num_threads(), cv2.getNumThreads()
    try:
        script.main()
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    assert 'no transformers with SAM 2' in capsys.readouterr().err
    lines = (tmp_path / 'table.md').read_text().splitlines()
    assert f'1 frames of {WIDTH} x {HEIGHT}, 3 boxes' in lines[0]
    rows = {row[1].strip(): row for row in (line.split('|') for line in lines[4:])}
    assert all(float(rows[name][2]) > 0 for name in ('mnv2', 'r50'))
    assert [cell.strip() for cell in rows['sam2.1-tiny'][2:4]] == ['–', '–']

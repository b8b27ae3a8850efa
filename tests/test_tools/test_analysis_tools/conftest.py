# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import importlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mmwsmots.fileio.mots_txt import read_mots_txt, write_mots_txt
from tests.damage import lively

LENGTHS = {'0012': 24, '0014': 10}
FIRST = 18  # the damage to tracks begins seven frames later


@pytest.fixture
def tool():
    """Import a tool, in this process: mmdet imports slowly."""
    return importlib.import_module


@pytest.fixture(scope='session')
def clips(shared_data, tmp_path_factory):
    """Parts of real annotations, results made from them, and frames of one colour.

    Returns:
        SimpleNamespace: ``root``, the folder of ``gt``, ``results``, ``frames`` and
        ``split.seqmap``, ``lengths`` of the sequences and ``options`` for tools.
    """
    root = tmp_path_factory.mktemp('clips')
    lines = []
    for name, length in LENGTHS.items():
        gt = read_mots_txt(shared_data / 'kitti_mots/instances_txt' / f'{name}.txt')
        gt = [obj for obj in gt if FIRST <= obj.frame_id < FIRST + length]
        for folder, objects in (('gt', gt), ('results', lively(gt, seed=int(name)))):
            shifted = [o._replace(frame_id=o.frame_id - FIRST) for o in objects]
            write_mots_txt(root / folder / f'{name}.txt', shifted)
        (root / 'frames' / name).mkdir(parents=True)
        frame = np.full((gt[0].height, gt[0].width, 3), 90, np.uint8)
        for number in range(length):
            cv2.imwrite(str(root / 'frames' / name / f'{number:06d}.png'), frame)
        lines.append(f'{name} empty 000000 {length - 1:06d}\n')
    (root / 'split.seqmap').write_text(''.join(lines))
    options = ['--gt', root / 'gt', '--results', root / 'results']
    options += ['--seqmap', root / 'split.seqmap']
    return SimpleNamespace(
        root=root, lengths=LENGTHS, options=[str(option) for option in options]
    )

# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import os
import sys

import cv2
import numpy as np
import pytest

from tests.load_script import load_script
from tests.processes import run_processes
from tests.quiet_run import assert_quiet, finish
from tests.small_masker import small_masker

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope='module')
def tool(repo):
    return load_script(repo / 'tools/label_dataset.py')


@pytest.fixture
def data(repo, tmp_path):
    """Arguments of a run on five pictures, one of them without a box."""
    (tmp_path / 'images').mkdir()
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for i in range(5):
        image = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f'images/{i}.png'), image)
        images.append(dict(id=i, file_name=f'{i}.png', height=HEIGHT, width=WIDTH))
        for k in range(i):
            ann = dict(image_id=i, category_id=2, bbox=[4 + 9 * k, 6 + k, 20, 30])
            annotations.append(dict(ann, id=10 * i + k, area=600, iscrowd=0))
    categories = [dict(id=2, name='лодка')]
    coco = dict(images=images, annotations=annotations, categories=categories)
    (tmp_path / 'boxes.json').write_text(json.dumps(coco))
    config, checkpoint = small_masker(repo, tmp_path)
    return [
        str(part)
        for part in (
            *(tmp_path / 'boxes.json', tmp_path / 'images', tmp_path / 'masks.json'),
            *('--config', config, '--checkpoint', checkpoint),
            *('--work-dir', tmp_path / 'work'),
        )
    ]


def fail(tool, *args):
    """The message of a run that is to fail."""
    with pytest.raises(SystemExit) as caught:
        tool.main(args)
    return caught.value.code


def run_tool(rank, tool, argv):
    """One of several processes."""
    return tool.main(argv)


def test_two_processes_write_what_one_does(tool, repo, data, tmp_path):
    """Adapted or not; gloo on the CPU."""
    metrics = tool.main(data)
    assert metrics['masks/number'] == 10
    expected = (tmp_path / 'masks.json').read_bytes()
    assert all('segmentation' in ann for ann in json.loads(expected)['annotations'])
    data += ['--launcher', 'pytorch', '--overwrite']
    run_processes(run_tool, tool, data)
    assert (tmp_path / 'masks.json').read_bytes() == expected
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += ['--nproc_per_node', '2', repo / 'tools/label_dataset.py', *data]
    env = dict(os.environ, OMP_NUM_THREADS='1')
    assert_quiet(finish([*command, '--adapt', '2'], env=env))
    assert (tmp_path / 'work/adapt/iter_2.pth').is_file()
    assert (tmp_path / 'masks.json').read_bytes() != expected


def test_what_cannot_be_done(tool, data, tmp_path):
    (tmp_path / 'masks.json').write_text('of somebody')
    assert 'masks.json: exists already; --overwrite replaces it' in fail(tool, *data)
    assert (tmp_path / 'masks.json').read_text() == 'of somebody'
    data.append('--overwrite')
    message = fail(tool, *data, '--checkpoint', str(tmp_path / 'no.pth'))
    assert 'no.pth: no such file' in message
    message = fail(tool, str(tmp_path / 'no.json'), *data[1:])
    assert 'no.json: no such file of annotations' in message
    (tmp_path / 'images/2.png').write_bytes(b'')
    assert (
        fail(tool, *data) == f'error: {tmp_path}/images/2.png: the frame cannot be read'
    )
    (tmp_path / 'images/2.png').unlink()
    assert fail(tool, *data) == f'error: {tmp_path}/images/2.png: no such picture'
    coco = json.loads((tmp_path / 'boxes.json').read_text())
    for ann in coco['annotations']:
        ann['bbox'] = [900, 900, 5, 5]
    (tmp_path / 'boxes.json').write_text(json.dumps(coco))
    assert 'boxes.json: no box lies in its image' in fail(tool, *data)
    (tmp_path / 'boxes.json').write_text('{}')
    assert 'there is no list "images"' in fail(tool, *data)

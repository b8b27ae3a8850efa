# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import torch
from mmengine.config import Config

from tests.small_masker import small_masker


def test_a_round_goes_on_from_the_stage_before(repo, tmp_path):
    """At a rate of 0 what the first stage has learned is what the round ends with."""
    images = tmp_path / 'images'
    images.mkdir()
    frame = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
    cv2.imwrite(str(images / '1.png'), frame)
    data = dict(
        images=[dict(id=1, file_name='1.png', width=90, height=60)],
        annotations=[dict(id=1, image_id=1, category_id=1, bbox=[20, 10, 40, 30])],
        categories=[dict(id=1, name='kite')],
    )
    data['annotations'][0].update(area=1200, iscrowd=0)
    (tmp_path / 'boxes.json').write_text(json.dumps(data))
    env = dict(os.environ, PYTHON=sys.executable, OMP_NUM_THREADS='1')
    for stage in ('boxes', 'labels'):
        config, _ = small_masker(repo, tmp_path, stage)
        cfg = Config.fromfile(config)
        cfg.train_dataloader.dataset.metainfo = dict(classes=['kite'])
        cfg.train_cfg.max_iters = 1
        if stage == 'labels':
            cfg.optim_wrapper.optimizer.lr = 0.0
        cfg.dump(tmp_path / f'{stage}.py')
        env[stage.upper()] = str(tmp_path / f'{stage}.py')
    out = tmp_path / 'out'
    command = [repo / 'tools/train_masker.sh', tmp_path / 'boxes.json', images, out]
    command = ['bash', *map(str, command), '0', '1']
    subprocess.run(command, env=env, check=True, timeout=600)
    first, trained = (
        torch.load(out / name / 'iter_1.pth', weights_only=False)['state_dict']
        for name in ('stage_1', 'round_1')
    )
    assert {key.split('.')[0] for key in trained.keys() - first.keys()} == {'prompt'}
    learned = [key for key, value in first.items() if value.shape == trained[key].shape]
    assert sum(key.startswith('backbone') for key in learned) > 100
    for key in learned:
        torch.testing.assert_close(trained[key], first[key])
    # labels of a round are cut where they are sure, masks at test are not
    runs = (out / 'round_1').glob('2*/vis_data/config.py')
    cuts = {Config.fromfile(run).model.test_cfg.mask_thr_binary for run in runs}
    assert cuts == {0.5, Config.fromfile(env['LABELS']).model.test_cfg.mask_thr_binary}
    # what is there is not made again
    before = (out / 'round_1.json').stat().st_mtime_ns
    subprocess.run(command, env=env, check=True, timeout=600)
    assert (out / 'round_1.json').stat().st_mtime_ns == before

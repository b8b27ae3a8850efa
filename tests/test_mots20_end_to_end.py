# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Convert, train and evaluate on synthetic MOTS20, as a user would on the real one."""

import runpy
import sys

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from benchmarks.common import find_transform
from mmwsmots.apis import VideoTracker, init_mots_model
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.mots_txt import read_mots_txt
from tests.mots20_files import HEIGHT, LENGTH, WIDTH, write_mots20

SMALL = """
_base_ = [
    '{configs}/wsmots/{name}.py',
    '{configs}/_base_/models/mnv2_fpn_small.py',
]
model = _base_.small_model
"""


@pytest.fixture
def root(repo, tmp_path, monkeypatch):
    root = write_mots20(tmp_path / 'MOTS20')
    tool = repo / 'tools/dataset_converters/mots20_2coco.py'
    monkeypatch.setattr(sys, 'argv', [str(tool), str(root)])
    runpy.run_path(str(tool), run_name='__main__')
    return root


def small(repo, root, work_dir, name='wsmots_r50_fpn_mots20') -> Config:
    """A MOTS20 config with the small, random model on tiny frames for one epoch."""
    path = work_dir.with_suffix('.py')
    path.write_text(SMALL.format(configs=repo / 'configs', name=name))
    cfg = Config.fromfile(path)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.num_workers = 0
        loader.persistent_workers = False
        loader.dataset.data_root = str(root)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.train_dataloader.batch_size = 1
    cfg.train_dataloader.dataset.filter_cfg.min_size = 1
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    find_transform(train.pipeline, 'RandomResize').scale = (2 * WIDTH,) * 2
    find_transform(test.pipeline, 'Resize').scale = (2 * WIDTH,) * 2
    cfg.model.detector.backbone.init_cfg = None
    cfg.model.detector.test_cfg.rcnn.score_thr = 0.0
    cfg.model.detector.test_cfg.rcnn.max_per_img = 3
    cfg.model.detector.test_cfg.rcnn.mask_thr_binary = 0.0  # no mask is empty
    cfg.train_cfg.max_epochs = 1
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = work_dir.name
    return cfg


def test_fold_trains_and_is_evaluated(repo, root, tmp_path):
    cfg = small(repo, root, tmp_path / 'fold')
    cfg.test_evaluator.gt_dir = str(root / 'train')
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter > 0
    metrics = runner.test()
    found = metrics['pedestrian/TP'] + metrics['pedestrian/FN']
    assert found == 6  # the held-out sequence
    assert not any(key.startswith('car/') for key in metrics)

    # The model's one class is the pedestrian, also in files made without a data set.
    model = init_mots_model(cfg)
    frames = FrameReader(root / 'train/MOTS20-02/img1')
    tracker = VideoTracker(model, len(frames))
    objects = [obj for frame in frames for obj in tracker.track(frame)]
    assert {obj.class_id for obj in objects} == {2}


def test_submission_has_a_file_for_each_test_sequence(repo, root, tmp_path):
    name = 'wsmots-masker_r50_fpn_mots20_submit'
    cfg = small(repo, root, tmp_path / 'submit', name)
    cfg.test_evaluator.outfile_prefix = str(tmp_path / 'files')
    cfg.train_dataloader = cfg.train_cfg = cfg.optim_wrapper = None
    cfg.param_scheduler = None
    assert Runner.from_cfg(cfg).test() == {}
    names = sorted(path.stem for path in (tmp_path / 'files').iterdir())
    assert names == ['MOTS20-01', 'MOTS20-06', 'MOTS20-07', 'MOTS20-12']
    objects = read_mots_txt(tmp_path / 'files/MOTS20-12.txt', first_frame=1)
    assert {obj.frame_id for obj in objects} == set(range(LENGTH))
    assert {obj[2:5] for obj in objects} == {(2, HEIGHT, WIDTH)}

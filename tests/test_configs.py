# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import re

import pytest
from mmdet.registry import MODELS
from mmengine.config import Config

from benchmarks.common import find_transform

NAMES = [
    'mots_mnv2_fpn_rendered',
    'mots_r50_fpn_kitti',
    'wsmots-masker_mnv2_fpn_clip',
    'wsmots-masker_mnv2_fpn_demo',
    'wsmots-masker_mnv2_fpn_rendered',
    'wsmots-masker_r50_fpn_kitti',
    'wsmots-masker_r50_fpn_mots20',
    'wsmots-masker_r50_fpn_mots20_submit',
    'wsmots_mnv2_fpn_rendered',
    'wsmots_r50_fpn_kitti',
    'wsmots_r50_fpn_kitti_detach-mask',
    'wsmots_r50_fpn_kitti_no-crf',
    'wsmots_r50_fpn_mots20',
]


def test_every_config_is_listed(repo):
    assert sorted(path.stem for path in (repo / 'configs/wsmots').glob('*.py')) == NAMES


@pytest.mark.parametrize('name', NAMES)
def test_model_builds_and_weak_configs_read_no_mask(repo, name):
    cfg = Config.fromfile(repo / f'configs/wsmots/{name}.py')
    cfg.model.detector.backbone.init_cfg = None
    MODELS.build(cfg.model)
    # Those taught by the masker read its masks and no others.
    with_mask = name.startswith(('mots_', 'wsmots-masker'))
    dataset = cfg.train_dataloader.dataset
    assert dataset.with_mask == with_mask
    is_labelled = dataset.ann_file.endswith('_masks.json')
    assert is_labelled == name.startswith('wsmots-masker')
    load = find_transform(dataset.pipeline, 'LoadTrackAnnotations')
    assert load.get('with_mask', False) == with_mask
    # Only the paper's recipe computes Grad-CAM.
    assert ('GradCAM' in str(cfg.model)) == name.startswith('wsmots_')


def test_no_config_patches_a_pipeline_by_index(repo):
    for path in (repo / 'configs').rglob('*.py'):
        text = path.read_text()
        assert not re.search(r'(pipeline|transforms)\[\d', text), path


def test_the_papers_settings(repo):
    cfg = Config.fromfile(repo / 'configs/wsmots/wsmots_r50_fpn_kitti.py')
    assert cfg.optim_wrapper.optimizer.type == 'SGD'
    assert cfg.optim_wrapper.optimizer.lr == 0.02
    assert cfg.train_cfg.max_epochs == 150
    pipeline = cfg.train_dataloader.dataset.pipeline
    frames = find_transform(pipeline, 'ClipFrameSample').num_frames
    assert 4 * cfg.train_dataloader.batch_size * frames == 24
    assert cfg.model.track_head.embed_dims == 8
    assert cfg.model.track_head.loss_triplet.margin == 0.2
    assert cfg.model.tracker.num_frames_retain == 10
    assert cfg.model.detector.test_cfg.rcnn.score_thr == 0.9
    mask_head = cfg.model.detector.roi_head.mask_head
    assert mask_head.cam_thr == 0.5
    assert mask_head.loss_crf.loss_weight == 2e-7


def test_ablations_differ_in_one_thing(repo):
    base = Config.fromfile(repo / 'configs/wsmots/wsmots_r50_fpn_kitti.py')
    no_crf = Config.fromfile(repo / 'configs/wsmots/wsmots_r50_fpn_kitti_no-crf.py')
    detached = Config.fromfile(
        repo / 'configs/wsmots/wsmots_r50_fpn_kitti_detach-mask.py'
    )
    assert no_crf.model.detector.roi_head.mask_head.loss_crf is None
    no_crf.model.detector.roi_head.mask_head.loss_crf = (
        base.model.detector.roi_head.mask_head.loss_crf
    )
    assert detached.model.track_head.pop('detach_mask') is True
    assert no_crf.model == base.model == detached.model


def test_mots20_folds(repo, monkeypatch):
    """The environment names the held-out sequence; the converter wrote the files."""
    for fold in ('0002', '0011'):
        if fold != '0002':  # the default
            monkeypatch.setenv('MOTS20_FOLD', fold)
        cfg = Config.fromfile(repo / 'configs/wsmots/wsmots_r50_fpn_mots20.py')
        name = f'annotations/mots20_fold-{fold}'
        assert cfg.train_dataloader.dataset.ann_file == f'{name}_train.json'
        assert cfg.test_dataloader.dataset.ann_file == f'{name}_val.json'
        assert cfg.test_evaluator.benchmark == 'mots20'


def test_mots20_submission_has_no_ground_truth(repo):
    name = 'wsmots-masker_r50_fpn_mots20_submit'
    cfg = Config.fromfile(repo / f'configs/wsmots/{name}.py')
    ann_file = cfg.train_dataloader.dataset.ann_file
    assert ann_file == 'annotations/mots20_train_masks.json'
    assert cfg.test_dataloader.dataset.ann_file == 'annotations/mots20_test.json'
    assert cfg.test_evaluator.format_only and cfg.test_evaluator.gt_dir is None
    assert cfg.val_cfg is cfg.val_dataloader is cfg.val_evaluator is None

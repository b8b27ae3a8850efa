# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Every recipe trains and tests as its config says, but small."""

import copy
import math
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from .data_sets import LAYOUTS, poison_masks, write_data_set
from .shrink import SIZE, shrink

CASCADE = 'gradcam_cascade-mask-rcnn_r50_fpn_1x_coco-boxes'
SWIN = 'gradcam_mask-rcnn_swin-t-p4-w7_fpn_1x_coco-boxes'
MASKER = 'wsmots-masker_mask-rcnn_r50_fpn_1x_coco-boxes'
BOXINST = 'crf_boxinst_r50_fpn_ms-90k_coco'
CRF = 'crf_mask-rcnn_r50_fpn_1x_coco'
MASKTRACK = 'hard-triplet_masktrack-rcnn_r50_fpn_8xb1-12e_youtubevis2019'
QDTRACK = 'iou-cosine_qdtrack_faster-rcnn_r50_fpn_8xb2-4e_mot17half'
FASTER = 'iou-cosine_faster-rcnn_r50_fpn_mot17half'

# The losses that our part adds, each with parameters that it must reach.
LOSSES = {
    CASCADE: {
        f's{i}.{name}': f'roi_head.mask_head.{i}.'
        for i in range(3)
        for name in ('loss_loc', 'loss_crf')
    },
    SWIN: dict.fromkeys(['loss_loc', 'loss_crf'], 'roi_head.mask_head.'),
    BOXINST: dict(loss_crf='mask_head.mask_feature_head.'),
    CRF: dict(loss_crf='roi_head.mask_head.'),
    MASKER: dict(loss_mask='roi_head.mask_head.'),
    MASKTRACK: dict(loss_triplet='track_head.'),
    QDTRACK: {},
    FASTER: {},
}
BOXES_ONLY = [CASCADE, SWIN, BOXINST]
IMAGES = [*BOXES_ONLY, CRF, MASKER]
VIDEOS = [MASKTRACK, QDTRACK, FASTER]


class LogHook(Hook):
    """Keep what every training step logs, and the last one's batch."""

    def __init__(self):
        self.logs = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.batch = copy.deepcopy(data_batch)  # a step writes into its samples

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.logs.append({name: float(value) for name, value in outputs.items()})


def make_runner(repo, name, work_dir, poison=False) -> Runner:
    """A runner of a recipe; data sets as mmdet's configs expect them in ``data/``."""
    cfg = shrink(Config.fromfile(repo / f'configs/recipes/{name}.py'))
    for layout in LAYOUTS:
        if f'data/{layout}/' in cfg.data_root:
            write_data_set(work_dir / 'data', layout)
    if name == MASKER:  # masks in place of those that the masker would write
        folder = work_dir / cfg.data_root / 'annotations'
        for path in folder.glob('*_train2017.json'):
            shutil.copy(path, path.with_stem(f'{path.stem}_masks'))
    if poison:
        poison_masks(work_dir / cfg.data_root / cfg.train_dataloader.dataset.ann_file)
    cfg.work_dir = str(work_dir / 'run')
    cfg.experiment_name = f'{name}_{work_dir.name}'
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if cfg.train_cfg is not None:
        cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
    # Let a model that knows nothing yet detect something.
    test_cfg = cfg.model.get('detector', cfg.model).test_cfg
    test_cfg.get('rcnn', test_cfg).update(score_thr=0.0, max_per_img=6)
    return Runner.from_cfg(cfg)


@pytest.fixture(scope='module')
def trained(repo, tmp_path_factory):
    """Run a recipe's training once, in a folder that becomes the current one."""
    runs = {}

    def run(name, monkeypatch):
        if name not in runs:
            folder = tmp_path_factory.mktemp('recipe')
            monkeypatch.chdir(folder)
            runner = make_runner(repo, name, folder)
            hook = LogHook()
            runner.register_hook(hook)
            if runner.cfg.train_cfg is not None:
                runner.train()
            weights = {k: v.clone() for k, v in runner.model.state_dict().items()}
            runs[name] = folder, runner, hook, weights
        folder, *rest = runs[name]
        monkeypatch.chdir(folder)
        return rest

    return run


def test_every_recipe_is_listed(repo):
    names = {path.stem for path in (repo / 'configs/recipes').glob('*.py')}
    assert names == set(LOSSES)
    page = (repo / 'docs/en/mixing.md').read_text()
    assert all(f'configs/recipes/{name}.py' in page for name in names)


@pytest.mark.parametrize('name', [name for name in LOSSES if name != FASTER])
def test_training(trained, monkeypatch, name):
    runner, hook, _ = trained(name, monkeypatch)
    assert len(hook.logs) == 2
    for logged in hook.logs:
        assert set(LOSSES[name]) < set(logged)
        assert all(math.isfinite(value) for value in logged.values()), logged
    model = runner.model.train()
    losses = model(**model.data_preprocessor(hook.batch, True), mode='loss')
    for loss, prefix in LOSSES[name].items():
        names, params = zip(*model.named_parameters())
        grads = torch.autograd.grad(
            losses[loss], params, retain_graph=True, allow_unused=True
        )
        norms = {n: float(g.norm()) for n, g in zip(names, grads) if g is not None}
        assert all(map(math.isfinite, norms.values()))
        own = [norm for n, norm in norms.items() if n.startswith(prefix)]
        assert any(own), f'{loss} does not reach {prefix}'
        assert any(norm for n, norm in norms.items() if 'backbone' in n)
        other_heads = [n for n in norms if 'mask_head' in n and prefix not in n]
        if name == CASCADE:  # a stage's losses are its own head's
            assert other_heads == []


@pytest.mark.parametrize('name', IMAGES)
def test_inference_on_images(trained, monkeypatch, name):
    runner = trained(name, monkeypatch)[0]
    metrics = runner.test()
    assert {'coco/bbox_mAP', 'coco/segm_mAP'} <= set(metrics)
    model = runner.model.eval()
    for batch in runner.test_dataloader:
        with torch.no_grad():
            (sample,) = model.test_step(batch)
        pred = sample.pred_instances
        assert len(pred) > 0
        assert pred.masks.shape == (len(pred), *SIZE[::-1])
        assert pred.masks.dtype == torch.bool
        assert len(pred.bboxes) == len(pred.scores) == len(pred.labels) == len(pred)


@pytest.mark.parametrize('name', VIDEOS)
def test_inference_on_videos(trained, monkeypatch, name):
    runner = trained(name, monkeypatch)[0]
    metrics = runner.test()
    if name != MASKTRACK:  # whose config only writes YouTube's submission
        assert metrics['motchallenge-metric/HOTA'] >= 0
    model = runner.model.eval()
    ids = []
    for batch in runner.test_dataloader:
        with torch.no_grad():
            (clip,) = model.test_step(batch)
        for frame in clip.video_data_samples:
            pred = frame.pred_track_instances
            assert len(pred) == len(frame.pred_instances) > 0
            assert len(pred.instances_id.unique()) == len(pred)
            assert ('masks' in pred) == (name == MASKTRACK)
            assert 'embeds' not in pred
            ids.append(set(pred.instances_id.tolist()))
    assert len(ids) == 3
    # The objects hardly move: detections continue tracks.
    assert ids[0] & ids[1] and ids[1] & ids[2]


@pytest.mark.parametrize('name', BOXES_ONLY)
def test_poisoned_masks_give_identical_weights(
    repo, trained, tmp_path, monkeypatch, name
):
    *_, weights = trained(name, monkeypatch)
    monkeypatch.chdir(tmp_path)
    runner = make_runner(repo, name, tmp_path, poison=True)
    runner.train()
    for key, value in runner.model.state_dict().items():
        assert torch.equal(value, weights[key]), key


def test_the_poison_is_deadly(repo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = make_runner(repo, CRF, tmp_path, poison=True)
    with pytest.raises(TypeError):  # no mask format that mmdet knows
        runner.train()
